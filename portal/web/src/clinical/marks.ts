/** How a marked value is drawn. `instead` replaces the number, `word` stands under it, `doubt` appends `?`. */
export interface MarkView {
  instead?: string;
  word?: string;
  doubt?: boolean;
}

export const UNKNOWN_VALUE = "-?-";
export const NOT_MEASURED = "- - -";

const MARKS: Readonly<Record<string, MarkView>> = {
  validated: {},
  ongoing: {},
  early: { doubt: true, word: "EARLY" },
  questionable: { doubt: true },
  artifact: { doubt: true, word: "ARTIFACT" },
  implausible: { doubt: true, word: "CHECK" },
  unknown: { doubt: true },
  calibrating: { instead: "LRN" },
  invalid: { instead: UNKNOWN_VALUE, word: "INVALID" },
  not_available: { instead: NOT_MEASURED },
  overflow: { instead: "+++" },
  underflow: { instead: "---" },
  lead_off: { instead: UNKNOWN_VALUE, word: "LEADS OFF" },
  unplugged: { instead: UNKNOWN_VALUE, word: "UNPLUGGED" },
};

/** A mark this build has not heard of makes a value doubtful rather than trusted. */
export function markView(mark: string | null): MarkView {
  if (mark === null) return {};
  return MARKS[mark] ?? { doubt: true };
}
