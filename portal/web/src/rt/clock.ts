/** How fast the best offset is allowed to sink, so that drifting oscillators do not look like a lagging link: 0.5 ms/s. */
const SINK_PER_MS = 0.0005;

/**
 * The server's clock as this page knows it, on the monotonic base of `performance.now()`: a person who sets this
 * computer's clock moves nothing. The offset seen with the least delay is kept; a message that needed longer lags.
 */
export class ServerClock {
  #offset: number | null = null;
  #takenAt = 0;
  #lag = 0;

  /** A new connection has empty buffers, so its first message sets the clock anew. */
  reset(): void {
    this.#offset = null;
    this.#lag = 0;
  }

  /** Takes one time stamp of the server, sent just before it arrived at `now`. */
  take(serverMs: number, now: number): void {
    const sample = serverMs - now;
    const sunk = this.#offset === null ? sample : this.#offset - (now - this.#takenAt) * SINK_PER_MS;
    this.#offset = Math.max(sample, sunk);
    this.#takenAt = now;
    this.#lag = this.#offset - sample;
  }

  /** How much longer the last time stamp travelled than the quickest, in ms. */
  get lag(): number {
    return this.#lag;
  }

  /** The server's time in epoch ms; null before it was ever heard. */
  at(now: number): number | null {
    return this.#offset === null ? null : now + this.#offset;
  }
}
