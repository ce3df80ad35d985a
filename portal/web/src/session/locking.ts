import { sentence } from "../api/refused.ts";
import type { SessionView } from "../api/types.gen.ts";
import type { SessionWatch } from "./session.ts";

/** After a lock that the server did not take. */
export const AGAIN_MS = 5_000;

/** Locks the screen at once, and the session as soon as the server takes it. */
export class Locking {
  #asking: Promise<void> | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly session: SessionWatch,
    private readonly ask: () => Promise<SessionView>,
    private readonly says: (text: string) => void,
  ) {}

  lock(now: number): void {
    this.session.lock();
    void this.#tell(now).catch(() => undefined);
  }

  /** Time has passed. */
  look(now: number): void {
    if (this.session.lockUnheard() && now - this.#triedAt >= AGAIN_MS) void this.#tell(now).catch(() => undefined);
  }

  /** Before an unlock: what the server holds to be open it does not unlock. */
  async settled(now: number): Promise<void> {
    if (this.session.lockUnheard()) await this.#tell(now);
  }

  /** One question at a time. */
  #tell(now: number): Promise<void> {
    this.#triedAt = now;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      this.session.take(await this.ask());
    } catch (error) {
      // It may be locked there already, or have ended.
      await this.session.refresh();
      if (!this.session.lockUnheard()) return;
      this.says(`Hidden here, but the server has not locked it yet: ${sentence(error)}`);
      throw error;
    }
    this.says("");
  }
}
