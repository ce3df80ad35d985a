import type { FromServer } from "../api/types.gen.ts";
import { ServerClock } from "./clock.ts";
import { type Health, LinkHealth, LOST_MS, RECONNECTING_MS } from "./health.ts";
import { Link } from "./link.ts";
import { type Change, Ward } from "./ward.ts";

/** How often the screen looks at its link and its ages. */
export const LOOK_MS = 250;

/** Whoever paints: told of changes at once, and a few times a second that time has passed. */
export interface Screen {
  change(change: Change, station: Station): void;
  /** Comes back once everything shown is true for `now`; throwing leaves the dead-man's switch to fire. */
  look(now: number, health: Health, station: Station): void;
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
  readonly #link: Link;
  readonly #screens: Screen[] = [];
  /** Counts connections, so that the paint of one is no proof for the next. */
  #connection = 0;
  #openedAt: number | null = null;

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
      },
    });
  }

  add(screen: Screen): () => void {
    this.#screens.push(screen);
    screen.change({ roster: true, snapshot: true, devices: new Set(), steps: [] }, this);
    return () => this.#screens.splice(this.#screens.indexOf(screen), 1);
  }

  start(): void {
    this.#link.renew();
    setInterval(() => this.look(), LOOK_MS);
    addEventListener("online", () => this.#link.hurry());
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
    if (this.health.look(now, Date.now())) this.#link.renew();
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
