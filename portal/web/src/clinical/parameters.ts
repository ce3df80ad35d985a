/** What a tile or a chart shows as one: a parameter, or the three pressures of one cuff. */
export interface Group {
  key: string;
  label: string;
  unit: string;
  /** One parameter, or systolic, diastolic, mean. */
  parameters: readonly string[];
  decimals: number;
  /** Measured now and then: shown with its time of day, and kept for an hour instead of ten seconds. */
  spot: boolean;
  /** The y range of a chart: clinical, not fitted, so that one patient's day looks like another's. */
  range: readonly [number, number];
}

const group = (
  key: string,
  label: string,
  unit: string,
  parameters: readonly string[],
  decimals: number,
  spot: boolean,
  range: readonly [number, number],
): Group => ({ key, label, unit, parameters, decimals, spot, range });

/** Reading order of the wall and of the trend page; the colours are `--p-<key>` in tokens.css. */
export const GROUPS: readonly Group[] = [
  group("hr", "HR", "bpm", ["hr"], 0, false, [30, 180]),
  group("spo2", "SpO₂", "%", ["spo2"], 0, false, [70, 100]),
  group("rr", "RR", "/min", ["rr"], 0, false, [0, 40]),
  group("nibp", "NIBP", "mmHg", ["nibp_sys", "nibp_dia", "nibp_map"], 0, true, [30, 210]),
  group("temp", "Temp", "°C", ["temp"], 1, true, [34, 41]),
  group("abp", "ABP", "mmHg", ["abp_sys", "abp_dia", "abp_map"], 0, false, [30, 210]),
  group("pr_spo2", "PR", "/min", ["pr_spo2"], 0, false, [30, 180]),
  group("pr", "Pulse", "/min", ["pr"], 0, false, [30, 180]),
  group("etco2", "etCO₂", "mmHg", ["etco2"], 0, false, [0, 60]),
  group("pi", "PI", "%", ["pi"], 1, false, [0, 10]),
  group("glucose", "Glucose", "mg/dL", ["glucose"], 0, true, [40, 300]),
  group("weight", "Weight", "kg", ["weight"], 1, true, [0, 150]),
];

/** Groups every tile keeps a place for, heard or not, so that a number is always where it was yesterday. */
export const FIXED: ReadonlySet<string> = new Set(["hr", "spo2", "rr", "nibp", "temp"]);

const BY_PARAMETER = new Map(GROUPS.flatMap((g) => g.parameters.map((p) => [p, g] as const)));

export function groupOf(parameter: string): Group | undefined {
  return BY_PARAMETER.get(parameter);
}
