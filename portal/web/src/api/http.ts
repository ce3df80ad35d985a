import { Refused } from "./refused.ts";
import type { Permission, Problem } from "./types.gen.ts";

/** Without an answer by then, waiting says nothing more (ui.md §3.6). */
export const PATIENCE_MS = 10_000;
/** Every tab of this browser shares the session's cookie, and so this lock of its. */
const LOCK = "vigil-session";

export interface Asked {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Readonly<Record<string, string | number | null | undefined>>;
  body?: unknown;
  signal?: AbortSignal;
  /** What the endpoint wants of whoever asks; for the words of a refusal. */
  needs?: Permission;
  /** The answer brings another token: no other request of this browser may be on its way meanwhile. */
  alone?: boolean;
}

let skewMs = 0;
const unauthorised = new Set<() => void>();

/** The server's clock, as its last answer told it to the second. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

/** Called when an answer says that nobody is signed in, or that the screen is locked. */
export function onUnauthorised(heard: () => void): void {
  unauthorised.add(heard);
}

/** Every request of ours: JSON, to our own origin only, never followed elsewhere. Throws `Refused`, or the signal's reason. */
export function ask<T = void>(path: string, asked: Asked = {}): Promise<T> {
  return answered(path, asked, async (response) => {
    if (response.status === 204) return undefined as T;
    return (await response.json().catch(() => {
      throw new Refused(response.status, "unreadable_answer", "no JSON came");
    })) as T;
  });
}

/** As `ask`, for an answer that is a page of a file: its text, and where the next page begins. */
export function askText(path: string, asked: Asked = {}): Promise<{ text: string; next: string | null }> {
  return answered(path, asked, async (response) => ({
    text: await response.text(),
    next: response.headers.get("x-next-cursor"),
  }));
}

async function answered<T>(path: string, asked: Asked, read: (response: Response) => Promise<T>): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const signal = asked.signal ? AbortSignal.any([asked.signal, patience]) : patience;
  try {
    return await inTurn(asked.alone ?? false, signal, async () => read(await answer(path, asked, signal)));
  } catch (error) {
    if (error instanceof Refused || asked.signal?.aborted) throw error;
    throw patience.aborted
      ? new Refused(0, "too_slow", "no answer in time")
      : new Refused(0, "unreachable", String(error));
  }
}

function inTurn<T>(alone: boolean, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  // Present wherever the portal may be served from: it is part of a secure context.
  if (!navigator.locks) return work();
  return navigator.locks.request(LOCK, { mode: alone ? "exclusive" : "shared", signal }, work);
}

async function answer(path: string, asked: Asked, signal: AbortSignal): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked.query ?? {})) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json" };
  const body = asked.body === undefined ? null : JSON.stringify(asked.body);
  // Another site's form cannot send this type, so it cannot send what a page of ours sends.
  if (body !== null) headers["content-type"] = "application/json";
  const response = await fetch(query.size > 0 ? `${path}?${query}` : path, {
    method: asked.method ?? "GET",
    mode: "same-origin",
    credentials: "same-origin",
    redirect: "error",
    cache: "no-store",
    headers,
    body,
    signal,
  });
  // In whole seconds, so the middle of one is meant.
  const date = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(date)) skewMs = date + 500 - Date.now();
  if (!response.ok) throw await refusal(response, asked.needs ?? null);
  return response;
}

async function refusal(response: Response, needs: Permission | null): Promise<Refused> {
  const problem = (await response.json().catch(() => null)) as Problem | null;
  const code = problem?.code ?? "unreadable_answer";
  if (response.status === 401 && (code === "not_signed_in" || code === "locked")) {
    for (const heard of unauthorised) heard();
  }
  const wait = Number(response.headers.get("retry-after"));
  const detail = problem?.detail ?? response.statusText;
  return new Refused(response.status, code, detail, needs, wait > 0 ? wait : null);
}
