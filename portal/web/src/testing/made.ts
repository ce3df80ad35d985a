import type { Alarm, Latest, LiveDevice, LiveNumber } from "../api/types.gen.ts";

/** 2026-11-23 10:42:07 UTC */
export const NOON_ISH = Date.UTC(2026, 10, 23, 10, 42, 7);

export function device(id: string, over: Partial<LiveDevice> = {}): LiveDevice {
  return {
    id,
    kind: "device",
    profile: "bedside",
    age_class: "adult",
    realm: "live",
    connected: true,
    last_received_at: null,
    enrolled_at: "2026-11-01T00:00:00Z",
    patient: null,
    ...over,
  };
}

export function alarm(id: string, over: Partial<Alarm> = {}): Alarm {
  return {
    id,
    device: "bed-12",
    code: "hr_high",
    kind: "physiological",
    priority: "high",
    parameter: "hr",
    bound: "upper",
    limit: 120,
    value: 134,
    unit: "/min",
    text: "HR 134 > 120",
    simulated: false,
    onset_at: "2026-11-23T10:42:07Z",
    raised_at: "2026-11-23T10:42:12Z",
    ended_at: null,
    ...over,
  };
}

export function number(value: number | null, age_ms = 0, mark: string | null = null): LiveNumber {
  return { value, mark, at_ms: NOON_ISH - age_ms, received_at_ms: NOON_ISH - age_ms, age_ms };
}

export function latest(id: string, values: Record<string, LiveNumber>, offset_ms = 0): Latest {
  return { device: id, received_at_ms: NOON_ISH, offset_ms, values };
}
