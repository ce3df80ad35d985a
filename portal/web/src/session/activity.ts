/** Input is told to the server at most so often. */
export const EVERY_MS = 15_000;

const KINDS = ["pointerdown", "keydown", "wheel"] as const;

/**
 * Done by a person. Scripts are none, and neither is a key that something lies upon. A moved pointer does not count: a
 * desk that shakes moves it too.
 */
export function byPerson(event: Pick<Event, "isTrusted" | "type"> & { repeat?: boolean }): boolean {
  return event.isTrusted && !(event.type === "keydown" && event.repeat === true);
}

/** Tells of input at once, and of what follows within 15 s once at their end. */
export class Activity {
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: () => void) {}

  watch(target: EventTarget): void {
    for (const kind of KINDS) {
      const heard = (event: Event) => {
        if (byPerson(event)) this.input(performance.now());
      };
      target.addEventListener(kind, heard, { capture: true, passive: true });
    }
  }

  input(now: number): void {
    if (this.#timer !== undefined) return;
    const wait = this.#toldAt + EVERY_MS - now;
    if (wait <= 0) this.#say(now);
    else this.#timer = setTimeout(() => this.#say(now + wait), wait);
  }

  #say(now: number): void {
    this.#timer = undefined;
    this.#toldAt = now;
    this.tell();
  }
}
