import { afterEach, expect, it, vi } from "vitest";
import { ask, onUnauthorised, PATIENCE_MS, serverNow } from "./http.ts";
import { Refused, sentence } from "./refused.ts";

let sent: { url: string; how: RequestInit }[] = [];

function answers(make: (how: RequestInit) => Promise<Response> | Response): void {
  sent = [];
  vi.stubGlobal("fetch", async (url: string, how: RequestInit) => {
    sent.push({ url, how });
    return make(how);
  });
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ type: "about:blank", title: code, status, code, detail: `the ${code}` }, { status, headers });
}

async function refusal(work: Promise<unknown>): Promise<Refused> {
  const error = await work.then(
    () => null,
    (thrown) => thrown,
  );
  if (!(error instanceof Refused)) throw new Error(`not refused: ${error}`);
  return error;
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("asks its own origin only, and sends JSON that no form of another site can", async () => {
  answers(() => Response.json({ fine: true }));
  await ask("/api/x", { method: "POST", body: { name: "ü" }, query: { cursor: null, limit: 5, q: "" } });
  const { url, how } = sent[0] ?? { url: "", how: {} };
  expect(url).toBe("/api/x?limit=5");
  expect([how.mode, how.credentials, how.redirect, how.cache]).toEqual([
    "same-origin",
    "same-origin",
    "error",
    "no-store",
  ]);
  expect(how.headers).toEqual({ accept: "application/json", "content-type": "application/json" });
  expect(how.body).toBe('{"name":"ü"}');
});

it("throws one kind of error, with the code, what was needed and how long to wait", async () => {
  answers(() => problem(403, "missing_permission"));
  const forbidden = await refusal(ask("/api/users", { needs: "manage_users" }));
  expect([forbidden.status, forbidden.code, forbidden.needs]).toEqual([403, "missing_permission", "manage_users"]);
  answers(() => problem(429, "throttled", { "retry-after": "42" }));
  expect(sentence(await refusal(ask("/api/session")))).toBe("Too many tries. Wait 42 s, then try again.");
  answers(() => new Response("<html>", { status: 502 }));
  expect((await refusal(ask("/api/x"))).code).toBe("unreadable_answer");
  answers(() => new Response("<html>"));
  expect((await refusal(ask("/api/x"))).code).toBe("unreadable_answer");
  answers(() => Promise.reject(new TypeError("failed to fetch")));
  expect((await refusal(ask("/api/x"))).code).toBe("unreachable");
  answers(() => new Response(null, { status: 204 }));
  expect(await ask("/api/x", { method: "DELETE" })).toBeUndefined();
});

it("says the server's own words where a code is new to it", () => {
  expect(sentence(new Refused(400, "weak_password", "it is your user name"))).toBe("it is your user name");
  expect(sentence(new Refused(409, "own_proposal", "no"))).toContain("Another administrator");
  expect(sentence(new TypeError("x is not a function"))).not.toContain("function");
});

it("gives up after ten seconds, and says nothing of a request that the page itself gave up", async () => {
  const never = (how: RequestInit) =>
    new Promise<Response>((_, fail) => how.signal?.addEventListener("abort", () => fail(how.signal?.reason)));
  const late = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    expect(ms).toBe(PATIENCE_MS);
    return late.signal;
  });
  answers(never);
  const slow = refusal(ask("/api/x"));
  late.abort(new DOMException("late", "TimeoutError"));
  expect((await slow).code).toBe("too_slow");

  vi.restoreAllMocks();
  const left = new AbortController();
  const gone = ask("/api/x", { signal: left.signal }).catch((error) => error);
  left.abort(new Error("left"));
  expect(await gone).not.toBeInstanceOf(Refused);
});

it("tells whoever listens that nobody is signed in, and not that a password was wrong", async () => {
  let heard = 0;
  onUnauthorised(() => {
    heard += 1;
  });
  answers(() => problem(401, "wrong_credentials"));
  await refusal(ask("/api/session"));
  expect(heard).toBe(0);
  answers(() => problem(401, "not_signed_in"));
  await refusal(ask("/api/sessions"));
  answers(() => problem(401, "locked"));
  await refusal(ask("/api/sessions"));
  expect(heard).toBe(2);
});

it("takes the server's clock from its answers", async () => {
  const ahead = Date.now() + 3_600_000;
  answers(() => Response.json({}, { headers: { date: new Date(ahead).toUTCString() } }));
  await ask("/api/session");
  expect(Math.abs(serverNow() - ahead)).toBeLessThan(5_000);
});

it("sends what changes the token while nothing else is on its way", async () => {
  const asked: string[] = [];
  vi.stubGlobal("navigator", {
    locks: {
      request: (name: string, how: { mode: string }, work: () => unknown) => {
        asked.push(`${name} ${how.mode}`);
        return work();
      },
    },
  });
  answers(() => Response.json({}));
  await ask("/api/session");
  await ask("/api/session/lock", { method: "POST", alone: true });
  expect(asked).toEqual(["vigil-session shared", "vigil-session exclusive"]);
});
