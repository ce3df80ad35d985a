import { ask } from "./http.ts";
import type { Next } from "./people.ts";
import type { BreakGlass, GlassAccesses, GlassBroken, GlassReview, GlassReviewBody } from "./types.gen.ts";

const REVIEW = { needs: "review_break_glass" } as const;

/** Opens a record for 60 min; needs a step-up, and brings another token. */
export const breakGlass = (body: BreakGlass) =>
  ask<GlassBroken>("/api/break-glass", { needs: "break_glass", method: "POST", alone: true, body });
export const accesses = (state: "unreviewed" | "all", cursor: Next, signal: AbortSignal) =>
  ask<GlassAccesses>("/api/break-glass", { ...REVIEW, query: { state, cursor }, signal });
export const review = (id: string, found: GlassReview) =>
  ask(`/api/break-glass/${encodeURIComponent(id)}/review`, {
    ...REVIEW,
    method: "POST",
    body: { review: found } satisfies GlassReviewBody,
  });
