import type { Problem, Vitals } from "./types.gen.ts";

/** What the server refused, with its stable code (RFC 9457). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

async function get<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`, {
    signal,
    headers: { accept: "application/json" },
  });
  if (answer.ok) return (await answer.json()) as T;
  const problem = (await answer.json().catch(() => null)) as Problem | null;
  throw new Refused(answer.status, problem?.code ?? "unreadable_answer", problem?.detail ?? answer.statusText);
}

/** Buckets of `stepSeconds` between two moments in epoch ms. */
export function vitals(device: string, fromMs: number, toMs: number, stepSeconds: number, signal: AbortSignal) {
  const query = {
    device,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    step: String(stepSeconds),
  };
  return get<Vitals>("/api/vitals", query, signal);
}
