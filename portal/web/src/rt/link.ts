import type { FromClient, FromServer, Token } from "../api/types.gen.ts";

/** Waiting before the next try, in ms; the last one for ever. */
const BACK_OFF_MS = [250, 500, 1_000, 2_000, 4_000, 5_000] as const;
/** A try that opened nothing by then is given up: a firewall that swallows packets would hold it for minutes. */
const OPEN_MS = 4_000;

export function backOff(tries: number, random: number): number {
  const base = BACK_OFF_MS[Math.min(tries, BACK_OFF_MS.length - 1)] ?? 5_000;
  // Spread by a fifth either way, so that fifty screens do not knock in one moment.
  return base * (0.8 + 0.4 * random);
}

export interface LinkEvents {
  opened(): void;
  message(message: FromServer): void;
  closed(): void;
  /** The server ended it, and said why (docs/api.md); 4001 is not tried again. */
  ended(code: number): void;
}

/** Another screen is this station now. Two that take it from each other would both show gaps. */
export const REPLACED = 4001;
/** Codes of ours begin here. */
const OURS = 4000;

/** One WebSocket at a time, made again for ever. */
export class Link {
  #socket: WebSocket | null = null;
  #tries = 0;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly events: LinkEvents,
    private readonly random: () => number = Math.random,
  ) {}

  /** Lets the present socket go without waiting for its goodbye, and connects at once. */
  renew(): void {
    this.#stopped = false;
    this.#drop();
    this.#tries = 0;
    this.#open();
  }

  /** No socket until the next `renew`. */
  stop(): void {
    this.#stopped = true;
    this.#drop();
  }

  /** The present socket is dead though it does not say so. */
  giveUp(): void {
    if (this.#socket !== null) this.#again(this.#socket);
  }

  /** A hint that the network is back. */
  hurry(): void {
    if (this.#socket === null && !this.#stopped) this.renew();
  }

  /** A snapshot came: the next failure starts at the shortest wait again. */
  settled(): void {
    this.#tries = 0;
  }

  watch(resume: Token | null): void {
    const message: FromClient = { type: "watch", devices: null, resume };
    this.#socket?.send(JSON.stringify(message));
  }

  #open(): void {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#again(socket), OPEN_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.events.opened();
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket && typeof event.data === "string") this.#take(socket, event.data);
    };
    socket.onclose = (event) => this.#closed(socket, event?.code ?? 0);
    socket.onerror = () => this.#again(socket);
  }

  /** What cannot be read ends the connection: a half-understood stream must not look live. */
  #take(socket: WebSocket, text: string): void {
    let message: FromServer;
    try {
      message = JSON.parse(text) as FromServer;
    } catch {
      this.#again(socket);
      return;
    }
    this.events.message(message);
  }

  #closed(socket: WebSocket, code: number): void {
    if (this.#socket !== socket) return;
    if (code === REPLACED) this.stop();
    else this.#again(socket);
    if (code >= OURS) this.events.ended(code);
  }

  #again(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#drop();
    this.#timer = setTimeout(() => this.#open(), backOff(this.#tries, this.random()));
    this.#tries += 1;
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
    this.events.closed();
  }
}
