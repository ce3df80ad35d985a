/** The first after a start waits for the ward to be up: a screen that loads over and over must not ask each time. */
export const FIRST_MS = 60_000;
export const EVERY_MS = 24 * 3_600_000;
/** After one that failed. */
export const AGAIN_MS = 10 * 60_000;

/** Asks daily that this station's token goes on holding: it is good for 90 days. */
export class Renewal {
  #dueAt: number | null = null;
  #asking = false;

  constructor(private readonly renew: () => Promise<void>) {}

  allow(on: boolean): void {
    if (!on) this.#dueAt = null;
    else this.#dueAt ??= performance.now() + FIRST_MS;
  }

  look(now: number): void {
    if (this.#dueAt === null || this.#asking || now < this.#dueAt) return;
    this.#asking = true;
    const next = (wait: number) => {
      this.#asking = false;
      if (this.#dueAt !== null) this.#dueAt = now + wait;
    };
    this.renew().then(
      () => next(EVERY_MS),
      () => next(AGAIN_MS),
    );
  }
}
