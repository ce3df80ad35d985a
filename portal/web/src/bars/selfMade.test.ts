import { afterEach, beforeEach, expect, it, vi } from "vitest";
import html from "../../index.html?raw";
import { showSelfMade } from "./selfMade.ts";

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = /<body>([\s\S]*)<\/body>/.exec(html)?.[1] ?? "";
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const bar = () => document.getElementById("self-made");

function answers(...given: (string | number)[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const next = given.shift();
    return typeof next === "string"
      ? new Response(JSON.stringify({ transport: next }))
      : new Response("{}", { status: next ?? 500 });
  });
  return asked;
}

it("says above everything else that nobody vouches for the server", async () => {
  const asked = answers("self_made");
  await showSelfMade();
  expect(asked).toEqual(["/api/transport"]);
  expect(bar()?.textContent).toBe(
    "SELF-MADE CERTIFICATE: this connection is encrypted, but nobody vouches for the server",
  );
  expect(bar()?.nextElementSibling?.id).toBe("status");
});

it.each(["configured", "plain"])("is absent where the connection is %s", async (transport) => {
  answers(transport);
  await showSelfMade();
  expect(bar()).toBeNull();
});

it("asks again after a bad moment, until it knows", async () => {
  const asked = answers(503, 503, "self_made");
  await showSelfMade();
  expect([bar(), asked.length]).toEqual([null, 1]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([bar(), asked.length]).toEqual([null, 2]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(bar()).not.toBeNull();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, document.querySelectorAll("#self-made").length]).toEqual([3, 1]);
});
