import type { GlassReason } from "../api/types.gen.ts";

export const REASONS: Readonly<Record<GlassReason, string>> = {
  emergency: "Emergency",
  cover: "I cover for somebody",
  transfer: "The patient is being transferred",
  consult: "I was asked to consult",
  other: "Something else",
};
