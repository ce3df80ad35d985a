import { expect, it } from "vitest";
import { alarm, NOON_ISH } from "../testing/made.ts";
import { alarmLine, byUrgency, prefix, spoken } from "./alarms.ts";

it("says who, what, since when and for how long in this order", () => {
  expect(Object.values(alarmLine(alarm("a"), NOON_ISH + 37_000))).toEqual([
    "***",
    "bed-12",
    "HR 134 > 120",
    "10:42:07",
    "00:37",
  ]);
});

it("tells priority and kind without colour", () => {
  expect(prefix(alarm("a"))).toBe("***");
  expect(prefix(alarm("a", { priority: "medium" }))).toBe("**");
  expect(prefix(alarm("a", { priority: "low", kind: "technical" }))).toBe("!");
  expect(prefix(alarm("a", { kind: "technical" }))).toBe("!!!");
});

it("sorts by priority, then by onset, and never swaps equals", () => {
  const rows = [
    alarm("low", { priority: "low", onset_at: "2026-11-23T09:00:00Z" }),
    alarm("late", { onset_at: "2026-11-23T10:43:00Z" }),
    alarm("b"),
    alarm("medium", { priority: "medium", onset_at: "2026-11-23T08:00:00Z" }),
    alarm("a"),
  ];
  const order = ["a", "b", "late", "medium", "low"];
  expect([...rows].sort(byUrgency).map((a) => a.id)).toEqual(order);
  expect(
    [...rows]
      .reverse()
      .sort(byUrgency)
      .map((a) => a.id),
  ).toEqual(order);
});

it("names Vigil where no device is to blame, and says what is simulated", () => {
  expect(alarmLine(alarm("a", { device: null, text: "DATABASE AWAY" }), NOON_ISH).who).toBe("VIGIL");
  expect(spoken(alarm("a", { simulated: true }))).toBe("high alarm, simulated, bed-12 HR 134 > 120");
});
