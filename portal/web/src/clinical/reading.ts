import { markView, NOT_MEASURED, UNKNOWN_VALUE } from "./marks.ts";
import type { Group } from "./parameters.ts";
import { age, hourMinute, timeOfDay } from "./times.ts";

/** Up to here a continuous number is live (ui.md §2.5). */
export const LIVE_MS = 3_000;
/** Beyond this a continuous number leaves its place. */
export const STALE_MS = 10_000;
/** A spot measurement turns grey. */
export const SPOT_GREY_MS = 15 * 60_000;
/** A spot measurement is removed. */
export const SPOT_GONE_MS = 60 * 60_000;

export type Freshness = "live" | "late" | "stale";

export function freshness(ageMs: number, spot: boolean): Freshness {
  const [live, stale] = spot ? [SPOT_GREY_MS, SPOT_GONE_MS] : [LIVE_MS, STALE_MS];
  if (ageMs <= live) return "live";
  return ageMs <= stale ? "late" : "stale";
}

/** One value as the screen knows it this moment. */
export interface Known {
  value: number | null;
  mark: string | null;
  /** Offset-corrected time of measurement on the server's clock. */
  measuredMs: number;
  ageMs: number;
}

/** What one cell of a tile says. */
export interface CellView {
  text: string;
  note: string;
  tone: "live" | "grey";
}

/** Why all numbers of a tile are out of force, whatever their age. */
export type Override = "none" | "late" | "lost";

const EMPTY: CellView = { text: NOT_MEASURED, note: "", tone: "grey" };

/** `120/80 (93)` for pressures, in the order systolic, diastolic, mean; the plain number otherwise. */
export function numeral(values: readonly (number | null | undefined)[], decimals: number): string {
  const text = (v: number | null | undefined) => (v === null || v === undefined ? "–" : v.toFixed(decimals));
  if (values.length === 1) return text(values[0]);
  const mean = values[2];
  return `${text(values[0])}/${text(values[1])}${mean === null || mean === undefined ? "" : ` (${text(mean)})`}`;
}

/** The view of one group. `known` runs along `group.parameters`; what was never heard is undefined. */
export function cellView(group: Group, known: readonly (Known | undefined)[], spot: boolean, over: Override): CellView {
  const heard = known.filter((k): k is Known => k !== undefined);
  if (heard.length === 0) return over === "lost" ? { ...EMPTY, text: UNKNOWN_VALUE } : EMPTY;
  if (over === "lost") return { text: UNKNOWN_VALUE, note: "", tone: "grey" };
  // The parts of one pressure may differ in age: the oldest decides, so that no part is silently old.
  const oldest = heard.reduce((a, b) => (a.ageMs >= b.ageMs ? a : b));
  const marked = heard.map((k) => markView(k.mark));
  const said = marked.find((m) => m.instead !== undefined);
  const number = numeral(
    known.map((k) => k?.value),
    group.decimals,
  );
  const fresh = freshness(oldest.ageMs, spot);
  if (fresh === "stale") {
    const last = heard.every((k) => k.value === null) ? "" : `last ${number} `;
    return { text: UNKNOWN_VALUE, note: `${last}${timeOfDay(oldest.measuredMs)}`, tone: "grey" };
  }
  const when = spot ? hourMinute(oldest.measuredMs) : fresh === "late" ? age(oldest.ageMs) : "";
  if (said?.instead !== undefined) return { text: said.instead, note: said.word ?? when, tone: "grey" };
  if (heard.every((k) => k.value === null)) {
    return { text: UNKNOWN_VALUE, note: marked.find((m) => m.word)?.word ?? when, tone: "grey" };
  }
  const doubt = marked.some((m) => m.doubt) ? "?" : "";
  const word = marked.find((m) => m.word)?.word;
  const tone = fresh === "late" || over === "late" ? "grey" : "live";
  return { text: number + doubt, note: [word, when].filter(Boolean).join(" "), tone };
}
