/** How long somebody has waited (ui.md §3.6); at 10 s the request itself gives up (api/http.ts). */
export type Phase = "quiet" | "shape" | "still";

/** An answer before that shows nothing in between: a flicker says less than a pause. */
export const QUIET_MS = 150;
export const STILL_MS = 2_000;
