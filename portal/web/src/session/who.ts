import type { SessionView } from "../api/types.gen.ts";
import { element } from "../bars/element.ts";
import { setText } from "../wall/text.ts";

/** From here on the screen says when it will lock. */
const WARN_MS = 60_000;

/** Who is signed in, at the end of the status bar, with the ways out. */
export class WhoBar {
  readonly #who = element("who");
  readonly #name = element("who-name");
  readonly #signIn = element("sign-in");
  readonly #lock = element("lock-now");
  readonly #locksIn = element("locks-in");
  readonly #noAlarms = element("no-alarms");

  constructor(events: { lock: () => void; signOut: () => void }) {
    this.#lock.onclick = events.lock;
    element("sign-out").onclick = events.signOut;
  }

  paint(session: SessionView | null, now: number): void {
    const state = session?.state ?? "none";
    const here = state === "open" || state === "locked";
    this.#who.hidden = !here;
    this.#lock.hidden = state !== "open";
    this.#signIn.hidden = session === null || here;
    setText(this.#name, state === "open" ? (session?.user?.display_name ?? "") : "Locked");
    this.#noAlarms.hidden = !here || Boolean(session?.station);
    const left = state === "open" && session?.locks_at ? Date.parse(session.locks_at) - now : WARN_MS;
    setText(this.#locksIn, left < WARN_MS ? `Locks in ${Math.max(0, Math.ceil(left / 1000))} s` : "");
  }
}
