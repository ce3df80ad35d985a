import { expect, it } from "vitest";
import type { Vitals } from "../api/types.gen.ts";
import { chartData, yRange } from "./chartData.ts";

function answer(step_s: number, at_s: number[], columns: Record<string, (number | null)[]>): Vitals {
  const series = Object.entries(columns).map(([parameter, mean]) => ({
    parameter,
    unit: "/min",
    mean,
    min: mean.map((v) => (v === null ? null : v - 2)),
    max: mean.map((v) => (v === null ? null : v + 2)),
    count: mean.map((v) => (v === null ? 0 : 5)),
  }));
  return { device: "bed-12", from: "", to: "", step_ms: step_s * 1000, times_ms: at_s.map((s) => s * 1000), series };
}

it("breaks the line where buckets are missing", () => {
  const [hr] = chartData(answer(5, [0, 5, 10, 60, 65], { hr: [70, 71, 72, 80, 81] }));
  expect(hr?.times).toEqual([0, 5, 10, 15, 60, 65]);
  expect(hr?.lines[0]?.mean).toEqual([70, 71, 72, null, 80, 81]);
});

it("joins over the empty buckets of a device that measures more rarely than the step", () => {
  const [hr] = chartData(answer(5, [0, 5, 10, 15, 20, 25, 30], { hr: [70, null, 71, null, 72, null, 73] }));
  expect(hr?.lines[0]?.mean).toEqual([70, undefined, 71, undefined, 72, undefined, 73]);
});

it("keeps the wall's order, leaves out what was not measured, and finds the newest bucket", () => {
  const groups = chartData(
    answer(60, [0, 60, 120], {
      temp: [36.8, null, null],
      nibp_sys: [null, 121, null],
      hr: [70, 72, null],
      rr: [null, null, null],
    }),
  );
  expect(groups.map((g) => g.group.key)).toEqual(["hr", "nibp", "temp"]);
  expect(groups[0]?.latest).toEqual({ at_ms: 60_000, values: [72] });
  expect(groups[1]?.latest.values).toEqual([121, null, null]);
});

it("widens the clinical scale only for data that leave it, and says so", () => {
  const scale = (peak: number) => {
    const [hr] = chartData(answer(5, [0, 5], { hr: [70, peak] }));
    return hr && yRange(hr);
  };
  expect(scale(150)).toEqual({ range: [30, 180], widened: false });
  expect(scale(210)).toEqual({ range: [30, 212], widened: true });
});
