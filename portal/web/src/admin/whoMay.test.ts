import { expect, it } from "vitest";
import type { Grant } from "../api/types.gen.ts";
import { inFours } from "../ui/words.ts";
import { whoMay } from "./whoMay.ts";

const PENDING: Grant = {
  id: "g",
  user_id: "them",
  role: "nurse",
  location_id: null,
  from: "2026-11-24T10:00:00Z",
  until: null,
  granted_by: "first",
  approved_by: null,
  state: "pending",
  version: 1,
};

it("lets a second administrator approve, and neither the first nor whom it is for", () => {
  expect(whoMay(PENDING, "second")).toMatchObject({ approve: true, end: true });
  expect(whoMay(PENDING, "first")).toMatchObject({ approve: false, end: true });
  expect(whoMay(PENDING, "them")).toMatchObject({ approve: false, end: false });
});

it("ends what holds, once, and never one's own", () => {
  expect(whoMay({ ...PENDING, state: "active" }, "first")).toMatchObject({ approve: false, end: true });
  expect(whoMay({ ...PENDING, state: "active" }, "them")).toMatchObject({ approve: false, end: false });
  expect(whoMay({ ...PENDING, state: "ended" }, "second")).toEqual({ approve: false, end: false, why: "" });
});

it("writes a key as people type it", () => {
  expect(inFours("GEZDGNBVGY3TQOJQA")).toBe("GEZD GNBV GY3T QOJQ A");
});
