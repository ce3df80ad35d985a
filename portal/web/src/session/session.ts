import * as api from "../api/identity.ts";
import type { Permission, SessionView } from "../api/types.gen.ts";

/** The other tabs of this browser share the cookie: one tells the rest to look. */
const CHANNEL = "vigil-session";

export const NOBODY: SessionView = {
  state: "none",
  user: null,
  station: null,
  factors: [],
  roles: [],
  permissions: [],
  locks_at: null,
  ends_at: null,
  stepped_up_until: null,
};

function past(at: string | null, now: number): boolean {
  return at !== null && Date.parse(at) <= now;
}

/** What the server said, as it stands by the clock: nothing stays open because an answer failed to come. */
export function asOf(said: SessionView, now: number): SessionView {
  if (said.state === "none") return said;
  if (past(said.ends_at, now)) return { ...NOBODY, station: said.station };
  if (said.state === "open" && past(said.locks_at, now)) return { ...said, state: "locked", permissions: [] };
  return said;
}

/** Who is signed in here, for whoever shows something of it. Free of any framework: the wall needs it too. */
export class SessionWatch {
  /** Null until the server first said anything. */
  #shown: SessionView | null = null;
  #said: SessionView | null = null;
  #asking: Promise<void> | null = null;
  /** A person locked it here: whatever the server says, only an unlock opens it again. */
  #lockedHere = false;
  readonly #heard = new Set<() => void>();
  readonly #others: BroadcastChannel | null;

  constructor(
    private readonly now: () => number,
    private readonly read: () => Promise<SessionView> = api.session,
  ) {
    this.#others = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
    if (this.#others)
      this.#others.onmessage = ({ data }) => {
        if (data === "locked") this.#lockHere();
        else if (data === "unlocked") this.#lockedHere = false;
        void this.refresh();
      };
  }

  /** Stays the same object until something changed. */
  readonly shown = (): SessionView | null => this.#shown;

  readonly subscribe = (heard: () => void): (() => void) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  may(permission: Permission): boolean {
    return this.#shown?.permissions.includes(permission) ?? false;
  }

  /** An answer to something that a person did here: the other tabs are told. */
  take(said: SessionView): void {
    this.hear(said);
    this.#others?.postMessage("changed");
  }

  /** An answer that changed nothing but times. */
  hear(said: SessionView): void {
    this.#said = said;
    if (said.state === "none" || said.state === "half") this.#lockedHere = false;
    this.look();
  }

  /** Here and in the other tabs at once, before the server knows. */
  lock(): void {
    this.#lockHere();
    this.#others?.postMessage("locked");
  }

  unlocked(said: SessionView): void {
    this.#lockedHere = false;
    this.hear(said);
    this.#others?.postMessage("unlocked");
  }

  /** Locked here, and the server has not said so. */
  lockUnheard(): boolean {
    return this.#lockedHere && this.#said?.state === "open";
  }

  #lockHere(): void {
    this.#lockedHere = this.#shown?.state === "open" || this.#shown?.state === "locked";
    this.look();
  }

  /** Asks the server; one question at a time. A failure changes nothing: what was said goes on by the clock. */
  refresh(): Promise<void> {
    this.#asking ??= this.read()
      .then((said) => this.hear(said))
      .catch(() => undefined)
      .finally(() => {
        this.#asking = null;
      });
    return this.#asking;
  }

  /** Time has passed. */
  look(): void {
    if (this.#said === null) return;
    let shown = asOf(this.#said, this.now());
    if (this.#lockedHere && shown.state === "open") shown = { ...shown, state: "locked", permissions: [] };
    const before = this.#shown;
    if (before !== null && JSON.stringify(before) === JSON.stringify(shown)) return;
    this.#shown = shown;
    for (const heard of this.#heard) heard();
    // The clock said so; the server knows.
    if (shown !== this.#said && !this.#lockedHere && shown.state !== before?.state) void this.refresh();
  }
}
