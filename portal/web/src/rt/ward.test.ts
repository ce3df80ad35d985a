import { describe, expect, it } from "vitest";
import type { FromServer, What } from "../api/types.gen.ts";
import { alarm, device, latest, number } from "../testing/made.ts";
import { ageOf, Ward } from "./ward.ts";

const step = (seq: number, what: What, id: string, epoch = 1) => ({ epoch, seq, what, alarm: alarm(id) });
const live = (seq: number, what: What, id: string, epoch = 1): FromServer => ({
  type: "alarm",
  ...step(seq, what, id, epoch),
});

function snapshot(seq: number, ids: string[], epoch = 1): FromServer {
  return { type: "snapshot", numbers: [], alarms: ids.map((id) => alarm(id)), epoch, seq, resync: false };
}

function started(): Ward {
  const ward = new Ward();
  ward.apply({ type: "roster", devices: [device("bed-12"), device("gw", { kind: "gateway" })] }, 0, 0);
  ward.apply(snapshot(10, []), 0, 0);
  return ward;
}

describe("alarms", () => {
  it("are raised, updated and cleared, and move the resume token", () => {
    const ward = started();
    ward.apply(live(11, "raised", "a"), 0, 0);
    ward.apply({ ...step(12, "updated", "a"), type: "alarm", alarm: alarm("a", { value: 150 }) }, 0, 0);
    expect([...ward.alarms.values()].map((a) => a.value)).toEqual([150]);
    ward.apply(live(13, "cleared", "a"), 0, 0);
    expect(ward.alarms.size).toBe(0);
    expect(ward.position).toEqual({ epoch: 1, seq: 13 });
  });

  it("that a resume tells again change and announce nothing", () => {
    const ward = started();
    ward.apply(live(11, "raised", "a"), 0, 0);
    ward.apply(live(12, "cleared", "a"), 0, 0);
    const again = ward.apply({ type: "missed", alarms: [step(11, "raised", "a"), step(12, "cleared", "a")] }, 0, 0);
    expect(again.steps).toEqual([]);
    expect(ward.alarms.size).toBe(0);
  });

  it("missed during an outage are announced one by one, before the snapshot sets what is active", () => {
    const ward = started();
    const missed = [step(11, "raised", "a"), step(12, "cleared", "a"), step(13, "raised", "b")];
    const change = ward.apply({ type: "missed", alarms: missed }, 0, 0);
    expect(change.steps.map((s) => `${s.what} ${s.alarm.id}`)).toEqual(["raised a", "cleared a", "raised b"]);
    ward.apply(snapshot(13, ["b"]), 0, 0);
    expect([...ward.alarms.keys()]).toEqual(["b"]);
  });

  it("of a new epoch count on even though their sequence starts again", () => {
    const ward = started();
    ward.apply(live(1, "raised", "a", 2), 0, 0);
    expect(ward.position).toEqual({ epoch: 2, seq: 1 });
    expect([...ward.alarms.keys()]).toEqual(["a"]);
  });

  it("that ended while nobody watched leave with the snapshot", () => {
    const ward = started();
    ward.apply(live(11, "raised", "a"), 0, 0);
    ward.apply(snapshot(12, []), 0, 0);
    expect(ward.alarms.size).toBe(0);
  });

  it("do not let hello or a heartbeat move the resume token past what was folded in", () => {
    const ward = started();
    ward.apply({ type: "hello", server_time_ms: 0, epoch: 1, seq: 99, heartbeat_ms: 1000 }, 0, 0);
    ward.apply({ type: "heartbeat", server_time_ms: 0, epoch: 1, seq: 99 }, 0, 0);
    expect(ward.position).toEqual({ epoch: 1, seq: 10 });
  });
});

describe("numbers", () => {
  it("keep what a later message does not mention", () => {
    const ward = started();
    ward.apply({ type: "numbers", numbers: [latest("bed-12", { hr: number(72), nibp_sys: number(120) })] }, 0, 0);
    ward.apply({ type: "numbers", numbers: [latest("bed-12", { hr: number(75) })] }, 1_000, 0);
    const known = ward.numbers.get("bed-12");
    expect([known?.get("hr")?.value, known?.get("nibp_sys")?.value]).toEqual([75, 120]);
  });

  it("age from what the server said, the way and the time since, on the monotonic clock", () => {
    const ward = started();
    ward.apply({ type: "numbers", numbers: [latest("bed-12", { hr: number(72, 900) })] }, 5_000, 40);
    const reading = ward.numbers.get("bed-12")?.get("hr");
    expect(reading && ageOf(reading, 7_500)).toBe(900 + 40 + 2_500);
  });

  it("of a device that left the roster are forgotten", () => {
    const ward = started();
    ward.apply({ type: "numbers", numbers: [latest("bed-12", { hr: number(72) })] }, 0, 0);
    ward.apply({ type: "roster", devices: [device("bed-13")] }, 0, 0);
    expect(ward.numbers.has("bed-12")).toBe(false);
  });
});

it("shows devices, not the gateways that speak for them, and follows their presence", () => {
  const ward = started();
  expect([...ward.devices.keys()]).toEqual(["bed-12"]);
  ward.apply({ type: "presence", device: "bed-12", connected: false }, 0, 0);
  expect(ward.devices.get("bed-12")?.connected).toBe(false);
});
