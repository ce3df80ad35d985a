import type { Series, Vitals } from "../api/types.gen.ts";
import { GROUPS, type Group } from "../clinical/parameters.ts";

/** A silence of more than so many usual intervals is a gap; a gap stays a gap on paper. */
const GAP_INTERVALS = 3;

type Column = (number | null | undefined)[];

/** One parameter's lines. uPlot breaks a line at null and joins it over undefined. */
export interface Line {
  parameter: string;
  mean: Column;
  min: Column;
  max: Column;
}

export interface GroupData {
  group: Group;
  /** Seconds since 1970, as uPlot wants them. */
  times: number[];
  lines: Line[];
  lowest: number;
  highest: number;
  latest: { at_ms: number; values: (number | null)[] };
}

/** The median number of buckets from one filled bucket to the next. */
function usualInterval(times: readonly number[], filled: readonly number[]): number {
  const steps = filled.slice(1).map((at, i) => (times[at] ?? 0) - (times[filled[i] ?? 0] ?? 0));
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

/** Which empty buckets lie within the device's own rhythm, and so do not break the line. */
export function bridged(times: readonly number[], mean: readonly (number | null)[]): ReadonlySet<number> {
  const filled = mean.flatMap((value, i) => (value === null ? [] : [i]));
  const longest = usualInterval(times, filled) * GAP_INTERVALS;
  const bridge = new Set<number>();
  for (let i = 1; i < filled.length; i += 1) {
    const [from, to] = [filled[i - 1] ?? 0, filled[i] ?? 0];
    if ((times[to] ?? 0) - (times[from] ?? 0) > longest) continue;
    for (let between = from + 1; between < to; between += 1) bridge.add(between);
  }
  return bridge;
}

/** Buckets that the answer leaves out are gaps as well: one empty bucket is put between, for the line to break at. */
export function withEmptyBuckets(vitals: Vitals): Vitals {
  const at: number[] = [];
  const times_ms: number[] = [];
  for (const [i, time] of vitals.times_ms.entries()) {
    const before = times_ms.at(-1);
    if (before !== undefined && time - before > vitals.step_ms * 1.5) {
      times_ms.push(before + vitals.step_ms);
      at.push(-1);
    }
    times_ms.push(time);
    at.push(i);
  }
  const spread = (column: (number | null)[]) => at.map((i) => (i < 0 ? null : (column[i] ?? null)));
  const series = vitals.series.map((s) => ({
    ...s,
    mean: spread(s.mean),
    min: spread(s.min),
    max: spread(s.max),
    count: at.map((i) => (i < 0 ? 0 : (s.count[i] ?? 0))),
  }));
  return { ...vitals, times_ms, series };
}

function line(times: readonly number[], series: Series): Line {
  const bridge = bridged(times, series.mean);
  const column = (values: (number | null)[]): Column => values.map((v, i) => (bridge.has(i) ? undefined : v));
  return {
    parameter: series.parameter,
    mean: column(series.mean),
    min: column(series.min),
    max: column(series.max),
  };
}

/** What each chart draws, in the wall's order; groups without a value are left out. */
export function chartData(answer: Vitals): GroupData[] {
  const vitals = withEmptyBuckets(answer);
  const times = vitals.times_ms;
  return GROUPS.flatMap((group) => {
    const series = group.parameters.flatMap((p) => vitals.series.filter((s) => s.parameter === p));
    const said = series.filter((s) => s.mean.some((v) => v !== null));
    if (said.length === 0) return [];
    const lows = said.flatMap((s) => s.min.filter((v) => v !== null));
    const highs = said.flatMap((s) => s.max.filter((v) => v !== null));
    const last = times.findLastIndex((_, i) => said.some((s) => (s.mean[i] ?? null) !== null));
    return {
      group,
      times: times.map((ms) => ms / 1000),
      lines: said.map((s) => line(times, s)),
      lowest: lows.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      highest: highs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
      latest: {
        at_ms: times[last] ?? 0,
        values: group.parameters.map((p) => said.find((s) => s.parameter === p)?.mean[last] ?? null),
      },
    };
  });
}

/** The clinical range, widened only where the data leave it. */
export function yRange(data: GroupData): { range: [number, number]; widened: boolean } {
  const [low, high] = data.group.range;
  const range: [number, number] = [Math.min(low, Math.floor(data.lowest)), Math.max(high, Math.ceil(data.highest))];
  return { range, widened: range[0] !== low || range[1] !== high };
}
