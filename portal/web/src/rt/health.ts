/** Nothing proven live for this long: RECONNECTING (ui.md W2). */
export const RECONNECTING_MS = 3_000;
/** Numbers leave the screen. Promised within 5 s; a look every 250 ms and the paint need the rest. */
export const LOST_MS = 4_000;
/** Two clocks apart by more between two looks: the computer slept, or somebody set its clock. */
export const JUMP_MS = 1_000;
/** No look at the link for this long: the page hung, and what arrived meanwhile is of unknown age. */
export const HANG_MS = 3_000;

/** `off`: nobody is here for whom live numbers are. */
export type Health = "connecting" | "live" | "reconnecting" | "lost" | "off";

/**
 * Whether the screen may claim to be live. Only time and proofs go in: `heard` for a message that left the server just
 * now, `painted` once a whole snapshot stands on the screen. Lost ends by `painted` alone.
 */
export class LinkHealth {
  #heardAt: number;
  #connected = false;
  #painted = false;
  #wasLive = false;
  #lost = false;
  #off = false;
  #looked: { mono: number; wall: number } | null = null;

  constructor(now: number) {
    this.#heardAt = now;
  }

  /** When the last proof of life came, on the monotonic base. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Nothing is expected any more, so that nothing is missed. */
  rest(): void {
    this.#off = true;
    this.closed();
  }

  /** As it was at the beginning. */
  wake(now: number): void {
    this.#off = false;
    this.#heardAt = now;
    this.#wasLive = false;
    this.#lost = false;
  }

  opened(): void {
    this.#connected = true;
    this.#painted = false;
  }

  closed(): void {
    this.#connected = false;
    this.#painted = false;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  painted(): void {
    if (!this.#connected) return;
    this.#painted = true;
    this.#wasLive = true;
    this.#lost = false;
  }

  /** Nothing shown can be trusted until a fresh snapshot. */
  distrust(): void {
    this.#painted = false;
    this.#lost = true;
  }

  /** Called a few times a second with the monotonic and the wall clock; true when the link must be made anew. */
  look(mono: number, wall: number): boolean {
    const before = this.#looked;
    this.#looked = { mono, wall };
    if (this.#off) return false;
    if (before !== null) {
      const passed = mono - before.mono;
      if (Math.abs(wall - before.wall - passed) > JUMP_MS || passed > HANG_MS) {
        this.distrust();
        return true;
      }
    }
    if (mono - this.#heardAt >= LOST_MS) this.#lost = true;
    return false;
  }

  state(now: number): Health {
    if (this.#off) return "off";
    const silent = now - this.#heardAt;
    if (this.#lost || silent >= LOST_MS) return "lost";
    if (this.#painted && this.#connected && silent < RECONNECTING_MS) return "live";
    return this.#wasLive || silent >= RECONNECTING_MS ? "reconnecting" : "connecting";
  }
}
