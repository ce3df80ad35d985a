import { afterEach, expect, it, vi } from "vitest";
import { exported } from "../api/audit.ts";
import type { AuditEvent } from "../api/types.gen.ts";
import { moment, searched, what, who } from "./words.ts";

const EVENT: AuditEvent = {
  id: "e",
  at: "2026-11-24T10:00:00Z",
  realm: "demo",
  category: "chart",
  action: "R",
  outcome: "success",
  user: "u-1",
  user_name: "Ann Lee",
  role: "nurse",
  session: "s-1",
  station: null,
  part: null,
  address: "127.0.0.1",
  purpose: "TREAT",
  endpoint: null,
  entity_kind: "patient",
  entity: null,
  entity_version: null,
  patients: ["p-1"],
  detail: null,
  times: 1,
  correlation: null,
};

afterEach(() => vi.unstubAllGlobals());

it("says who did what in words", () => {
  expect([who(EVENT), what(EVENT)]).toEqual(["Ann Lee", "read patient, for treatment"]);
  const other = { ...EVENT, user: null, user_name: null, part: "alerting", entity_kind: null, purpose: null };
  expect(who(other)).toBe("Vigil, alerting");
  expect(what({ ...other, action: "E", endpoint: "GET /api/audit", times: 3 })).toBe("did GET /api/audit 3 times");
  expect(who({ ...other, part: null })).toBe("a device");
});

it("asks for what was filled in and nothing else", () => {
  const fields = { user: "", patient: "p-1", from: moment("2026-11-24T10:00"), to: moment("") };
  expect(searched(fields)).toEqual({ patient: "p-1", from: "2026-11-24T10:00:00.000Z" });
});

function serve(pages: number): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    const page = asked.length;
    const next: Record<string, string> = page < pages ? { "x-next-cursor": String(page) } : {};
    if (url.includes(".csv")) return new Response(`id,at\r\n${page},now\r\n`, { headers: next });
    return Response.json({ events: [{ ...EVENT, id: String(page) }], next: next["x-next-cursor"] ?? null });
  });
  return asked;
}

it("exports page after page into one file with one head", async () => {
  const asked = serve(3);
  const { parts, whole } = await exported({ patient: "p-1" }, "csv");
  expect([parts.join(""), whole]).toEqual(["id,at\r\n1,now\r\n2,now\r\n3,now\r\n", true]);
  expect(asked[2]).toBe("/api/audit/export.csv?patient=p-1&cursor=2");
  serve(2);
  const lines = (await exported({}, "json")).parts.map((line) => JSON.parse(line).id);
  expect(lines).toEqual(["1", "2"]);
});

it("says so where a file is not the whole", async () => {
  const asked = serve(1_000);
  expect((await exported({}, "csv")).whole).toBe(false);
  expect(asked.length).toBe(20);
});
