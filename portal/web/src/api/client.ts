import { ask } from "./http.ts";
import type { Vitals } from "./types.gen.ts";

/** Buckets of `stepSeconds` between two moments in epoch ms. */
export function vitals(device: string, fromMs: number, toMs: number, stepSeconds: number, signal: AbortSignal) {
  const query = {
    device,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    step: stepSeconds,
  };
  return ask<Vitals>("/api/vitals", { query, signal, needs: "read_vitals" });
}
