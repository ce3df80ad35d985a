import type { FromServer } from "../api/types.gen.ts";
import { ServerClock } from "./clock.ts";
import { type Health, LinkHealth, LOST_MS, RECONNECTING_MS } from "./health.ts";
import { Link, REPLACED } from "./link.ts";
import { type Change, Ward } from "./ward.ts";

/** How often the screen looks at its link and its ages. */
export const LOOK_MS = 250;

/** Whoever paints: told of changes at once, and a few times a second that time has passed. */
export interface Screen {
  change(change: Change, station: Station): void;
  /** Comes back once everything shown is true for `now`; throwing leaves the dead-man's switch to fire. */
  look(now: number, health: Health, station: Station): void;
}

function everything(): Change {
  return { roster: true, snapshot: true, devices: new Set(), steps: [] };
}

/** This screen's connection to the ward: link, clock, health and what the server said. */
export class Station {
  readonly ward = new Ward();
  readonly clock = new ServerClock();
  readonly health = new LinkHealth(performance.now());
  /** When the page opened by this computer's clock: all there is to show before the server was ever heard. */
  readonly openedMs = Date.now();
  /** The server's time at the last proof of life, in epoch ms. */
  heardMs: number | null = null;
  /** What the server last refused, in its words. */
  refusal = "";
  /** Why this screen, which was one of the ward's, is none any more; empty where nobody would expect alarms on it. */
  missed = "";
  /** Told when the server ended the connection, or it broke: whoever is signed in may be so no more. */
  onBroken: (code: number) => void = () => undefined;
  readonly #link: Link;
  readonly #screens: Screen[] = [];
  /** Counts connections, so that the paint of one is no proof for the next. */
  #connection = 0;
  #openedAt: number | null = null;
  /** Null: not known yet whether this screen may watch. */
  #following: boolean | null = null;
  /** Another screen took this station's place. */
  replaced = false;

  constructor(url: string) {
    this.#link = new Link(url, {
      opened: () => {
        this.#connection += 1;
        this.#openedAt = performance.now();
        this.health.opened();
        this.clock.reset();
        this.#link.watch(this.ward.position);
      },
      message: (message) => this.#message(message),
      closed: () => {
        this.#openedAt = null;
        this.health.closed();
        this.look();
        if (this.#following) this.onBroken(0);
      },
      ended: (code) => {
        if (code === REPLACED) this.replaced = true;
        this.onBroken(code);
      },
    });
  }

  add(screen: Screen): () => void {
    this.#screens.push(screen);
    screen.change(everything(), this);
    return () => this.#screens.splice(this.#screens.indexOf(screen), 1);
  }

  /** Connects, or lets go of the ward and of everything it said. */
  follow(on: boolean, missed = ""): void {
    this.missed = missed;
    if (on === this.#following) {
      this.look();
      return;
    }
    this.#following = on;
    if (on) {
      this.health.wake(performance.now());
      this.take();
      return;
    }
    this.replaced = false;
    this.#link.stop();
    this.health.rest();
    this.ward.clear();
    for (const screen of this.#screens) screen.change(everything(), this);
    this.look();
  }

  /** The screen is locked. */
  hideNames(): void {
    this.ward.hideNames();
    this.look();
  }

  /**
   * It is no more. The server looks once a second and says nothing anew of a lock that came and went between two looks,
   * so it is asked; a connection that is being made asks by itself.
   */
  showNames(): void {
    if (this.ward.showNames() && this.#openedAt !== null) this.#link.watch(null);
  }

  /** Makes this screen the station's one. */
  take(): void {
    this.replaced = false;
    this.#link.renew();
  }

  /** Somebody may see again what a moment ago nobody might. */
  hurry(): void {
    if (!this.replaced) this.#link.hurry();
  }

  start(): void {
    setInterval(() => this.look(), LOOK_MS);
    addEventListener("online", () => this.hurry());
    // Timers of a hidden page may rest for a minute: on return the gap shows as a hang at the next look.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.look();
    });
  }

  state(): Health {
    return this.health.state(performance.now());
  }

  look(): void {
    const now = performance.now();
    if (this.health.look(now, Date.now()) && !this.replaced) this.#link.renew();
    // A half-open connection never closes by itself: no proof of life since it opened, so make another.
    const opened = this.#openedAt;
    if (opened !== null && now - Math.max(opened, this.health.heardAt) >= LOST_MS) this.#link.giveUp();
    const health = this.health.state(now);
    for (const screen of this.#screens) screen.look(now, health, this);
  }

  #message(message: FromServer): void {
    const now = performance.now();
    if (message.type === "hello" || message.type === "heartbeat") this.#stamp(message.server_time_ms, now);
    if (message.type === "error") this.refusal = message.detail;
    const change = this.ward.apply(message, now, this.clock.lag);
    for (const screen of this.#screens) screen.change(change, this);
    if (change.snapshot) this.#afterPaint();
  }

  /** A heartbeat that was long on its way proves nothing about now. */
  #stamp(serverMs: number, now: number): void {
    this.clock.take(serverMs, now);
    if (this.clock.lag >= RECONNECTING_MS) return;
    this.heardMs = serverMs;
    this.health.heard(now);
  }

  /** The claim to be live is made only once the snapshot's frame has gone to the screen. */
  #afterPaint(): void {
    const connection = this.#connection;
    requestAnimationFrame(() =>
      setTimeout(() => {
        if (connection !== this.#connection) return;
        this.health.painted();
        this.#link.settled();
        this.refusal = "";
        this.look();
      }),
    );
  }
}
