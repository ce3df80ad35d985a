import { expect, it } from "vitest";
import { NOON_ISH } from "../testing/made.ts";
import { age, elapsed, hourMinute, timeOfDay } from "./times.ts";

it("writes the time of day in 24 hours and midnight as 00:00", () => {
  expect(timeOfDay(NOON_ISH)).toBe("10:42:07");
  expect(hourMinute(NOON_ISH)).toBe("10:42");
  expect(timeOfDay(Date.UTC(2026, 10, 23))).toBe("00:00:00");
});

it("writes spans as minutes and seconds, from an hour on as hours and minutes", () => {
  expect([37_000, 59_999, 60_000, 3_599_999, 3_600_000, 7_500_000].map(elapsed)).toEqual([
    "00:37",
    "00:59",
    "01:00",
    "59:59",
    "1h 00m",
    "2h 05m",
  ]);
  expect(elapsed(-5_000)).toBe("00:00");
});

it("writes ages in their largest unit", () => {
  expect([3_400, 59_999, 60_000, 3_600_000].map(age)).toEqual(["3 s", "59 s", "1 min", "1 h"]);
});
