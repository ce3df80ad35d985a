import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FromClient, FromServer } from "../api/types.gen.ts";
import { alarm, device, latest, NOON_ISH, number } from "../testing/made.ts";
import { backOff } from "./link.ts";
import { Station } from "./station.ts";

/** The server's end of a socket: what a test says arrives, what the page says is kept. */
class FakeSocket {
  static made: FakeSocket[] = [];
  sent: FromClient[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: ((event?: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  say(message: FromServer): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function last(): FakeSocket {
  const socket = FakeSocket.made.at(-1);
  if (!socket) throw new Error("no socket was made");
  return socket;
}

function serve(socket: FakeSocket, seq = 5): void {
  socket.onopen?.();
  socket.say({ type: "hello", server_time_ms: NOON_ISH, epoch: 1, seq, heartbeat_ms: 1000 });
  socket.say({ type: "roster", devices: [device("bed-12")] });
  const numbers = [latest("bed-12", { hr: number(72) })];
  socket.say({ type: "snapshot", numbers, alarms: [], epoch: 1, seq, resync: false });
}

function beat(seconds: number): void {
  for (let i = 0; i < seconds; i += 1) {
    last().say({ type: "heartbeat", server_time_ms: Date.now(), epoch: 1, seq: 5 });
    vi.advanceTimersByTime(1_000);
  }
}

let station: Station;

beforeEach(() => {
  vi.useFakeTimers({ now: NOON_ISH });
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.made = [];
  station = new Station("ws://ward/live");
  station.start();
  station.follow(true);
});

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("is live once the snapshot is painted, and stays so on heartbeats alone", () => {
  serve(last());
  expect(station.state()).not.toBe("live");
  vi.advanceTimersByTime(100);
  expect(station.state()).toBe("live");
  beat(60);
  expect(station.state()).toBe("live");
});

it("is lost within 5 s of a server that dies, and of one that only falls silent", () => {
  serve(last());
  beat(3);
  last().onclose?.();
  vi.advanceTimersByTime(100);
  expect(station.state()).toBe("reconnecting");
  vi.advanceTimersByTime(4_650);
  expect(station.state()).toBe("lost");

  // The try that was never answered has been given up; let the next one be made.
  vi.advanceTimersByTime(1_000);
  serve(last());
  vi.advanceTimersByTime(100);
  expect(station.state()).toBe("live");
  vi.advanceTimersByTime(4_300);
  expect(station.state()).toBe("lost");
});

it("makes a new connection when the old one is half open", () => {
  serve(last());
  vi.advanceTimersByTime(100);
  const first = last();
  vi.advanceTimersByTime(5_000);
  expect(first.closed).toBe(true);
  expect(last()).not.toBe(first);
});

it("resumes after the last transition it folded in", () => {
  serve(last(), 5);
  last().say({ type: "alarm", epoch: 1, seq: 6, what: "raised", alarm: alarm("a") });
  last().onclose?.();
  vi.advanceTimersByTime(400);
  last().onopen?.();
  expect(last().sent).toEqual([{ type: "watch", devices: null, resume: { epoch: 1, seq: 6 } }]);
});

it("stays lost on a reconnection until the snapshot came and was painted", () => {
  serve(last());
  beat(2);
  last().onclose?.();
  vi.advanceTimersByTime(6_000);
  expect(station.state()).toBe("lost");
  last().onopen?.();
  last().say({ type: "hello", server_time_ms: Date.now(), epoch: 1, seq: 5, heartbeat_ms: 1000 });
  vi.advanceTimersByTime(500);
  expect(station.state()).toBe("lost");
  last().say({ type: "snapshot", numbers: [], alarms: [], epoch: 1, seq: 5, resync: false });
  vi.advanceTimersByTime(100);
  expect(station.state()).toBe("live");
});

it("takes heartbeats that were seconds on their way for no proof of life", () => {
  serve(last());
  vi.advanceTimersByTime(100);
  for (let i = 0; i < 6; i += 1) {
    last().say({ type: "heartbeat", server_time_ms: Date.now() - 3_500, epoch: 1, seq: 5 });
    vi.advanceTimersByTime(1_000);
  }
  expect(station.state()).toBe("lost");
});

it("drops to lost and reconnects after the computer's clock jumped", () => {
  serve(last());
  beat(2);
  const first = last();
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(300);
  expect(station.state()).toBe("lost");
  expect(first.closed).toBe(true);
});

it("lets go of everything when nobody may watch, misses nothing meanwhile, and begins anew", () => {
  serve(last());
  last().say({ type: "alarm", epoch: 1, seq: 6, what: "raised", alarm: alarm("a") });
  beat(1);
  const first = last();
  station.follow(false, "STATION SIGNED OUT");
  expect([first.closed, station.state(), station.missed]).toEqual([true, "off", "STATION SIGNED OUT"]);
  expect([station.ward.devices.size, station.ward.numbers.size, station.ward.alarms.size]).toEqual([0, 0, 0]);
  vi.advanceTimersByTime(60_000);
  window.dispatchEvent(new Event("online"));
  expect([station.state(), last()]).toEqual(["off", first]);
  station.follow(true);
  expect(last()).not.toBe(first);
  last().onopen?.();
  expect(last().sent).toEqual([{ type: "watch", devices: null, resume: null }]);
  serve(last());
  vi.advanceTimersByTime(100);
  expect(station.state()).toBe("live");
});

it("does not take a station back from the screen that took it, until a person says so", () => {
  serve(last());
  beat(1);
  const codes: number[] = [];
  station.onBroken = (code) => codes.push(code);
  const first = last();
  first.onclose?.({ code: 4001 });
  vi.advanceTimersByTime(60_000);
  expect([last(), station.replaced, station.state(), codes.at(-1)]).toEqual([first, true, "lost", 4001]);
  station.take();
  serve(last());
  vi.advanceTimersByTime(100);
  expect([station.replaced, station.state()]).toEqual([false, "live"]);
});

it("asks who is here when the server ended the connection, and tries again", () => {
  serve(last());
  const codes: number[] = [];
  station.onBroken = (code) => codes.push(code);
  const first = last();
  first.onclose?.({ code: 4002 });
  expect(codes).toContain(4002);
  vi.advanceTimersByTime(400);
  expect(last()).not.toBe(first);
});

const grace = { id: "0190f000-0000-7000-8000-000000000001", label: "Okafor, Grace" };
const named = (): FromServer => ({ type: "roster", devices: [device("bed-12", { patient: grace })] });
const shown = () => station.ward.devices.get("bed-12")?.patient ?? null;

it("names nobody until it is known who is here", () => {
  serve(last());
  last().say(named());
  expect(shown()).toBeNull();
  station.showNames();
  last().say(named());
  expect(shown()).toEqual(grace);
});

it("asks for the names again at the unlock, though the server never knew of the lock", () => {
  station.showNames();
  serve(last());
  last().say(named());
  station.hideNames();
  expect(shown()).toBeNull();
  const asked = last().sent.length;
  station.showNames();
  expect(last().sent.slice(asked)).toEqual([{ type: "watch", devices: null, resume: null }]);
  last().say(named());
  expect(shown()).toEqual(grace);
  // Once: a session that says it is open again and again is not locked.
  station.showNames();
  expect(last().sent.length).toBe(asked + 1);
});

it("names nobody by a roster that was sent before the server knew of the lock", () => {
  serve(last());
  station.hideNames();
  last().say(named());
  expect(shown()).toBeNull();
});

it("leaves it to a connection that is being made to ask for the names", () => {
  serve(last());
  station.hideNames();
  last().onclose?.();
  vi.advanceTimersByTime(400);
  station.showNames();
  expect(last().sent).toEqual([]);
  last().onopen?.();
  expect(last().sent.length).toBe(1);
});

it("waits 0.25 to 5 s between tries, spread by a fifth", () => {
  expect([0, 1, 2, 3, 4, 5, 99].map((n) => backOff(n, 0.5))).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  expect(backOff(0, 0)).toBe(200);
  expect(backOff(5, 1)).toBeCloseTo(6000);
});
