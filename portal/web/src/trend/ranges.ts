export interface Range {
  hours: number;
  /** Bucket width; from 60 s on the server reads its minutes. At most 1,440 points. */
  stepSeconds: number;
  /** How often the chart is fetched again. */
  refetchMs: number;
}

export const RANGES: readonly Range[] = [
  { hours: 1, stepSeconds: 5, refetchMs: 10_000 },
  { hours: 4, stepSeconds: 15, refetchMs: 15_000 },
  { hours: 8, stepSeconds: 60, refetchMs: 60_000 },
  { hours: 24, stepSeconds: 60, refetchMs: 60_000 },
];

export function rangeOf(hours: number): Range {
  return RANGES.find((range) => range.hours === hours) ?? { hours: 1, stepSeconds: 5, refetchMs: 10_000 };
}
