import { ask } from "./http.ts";
import type { Next } from "./people.ts";

export type ReasonCode = "emergency" | "cover" | "transfer" | "consult" | "other";

export interface OpenedAccess {
  id: string;
  patient_id: string;
  until: string;
}

export interface Access extends OpenedAccess {
  user_id: string;
  from: string;
  reason_code: ReasonCode;
  /** Null where its key was destroyed. */
  reason?: string | null;
  reviewed_by?: string | null;
  reviewed_at?: string | null;
  review?: "justified" | "unjustified" | null;
  /** To be reviewed by then. */
  due_at: string;
  overdue: boolean;
}

const REVIEW = { needs: "review_break_glass" } as const;

/** Opens a record for 60 min; needs a step-up, and brings another token. */
export const breakGlass = (body: { patient_id: string; reason_code: ReasonCode; reason: string }) =>
  ask<OpenedAccess>("/api/break-glass", { needs: "break_glass", method: "POST", alone: true, body });
export const accesses = (state: "unreviewed" | "all", cursor: Next, signal: AbortSignal) =>
  ask<{ accesses: Access[]; next: Next }>("/api/break-glass", { ...REVIEW, query: { state, cursor }, signal });
export const review = (id: string, found: "justified" | "unjustified") =>
  ask(`/api/break-glass/${encodeURIComponent(id)}/review`, { ...REVIEW, method: "POST", body: { review: found } });
