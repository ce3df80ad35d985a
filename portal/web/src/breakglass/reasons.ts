import type { ReasonCode } from "../api/breakGlass.ts";

export const REASONS: Readonly<Record<ReasonCode, string>> = {
  emergency: "Emergency",
  cover: "I cover for somebody",
  transfer: "The patient is being transferred",
  consult: "I was asked to consult",
  other: "Something else",
};
