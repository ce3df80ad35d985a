import { expect, it } from "vitest";
import type { SessionView } from "../api/types.gen.ts";
import { NOBODY } from "../session/session.ts";
import { STATION, signedIn } from "../testing/session.ts";
import { admit, home, placeOf, rail, watches } from "./places.ts";

const nurse = signedIn();
const administrator = signedIn({
  roles: ["administrator"],
  permissions: ["manage_users", "manage_grants", "manage_stations", "read_devices"],
});
const officer = signedIn({ roles: ["privacy_officer"], permissions: ["search_audit", "review_break_glass"] });
const nothing = signedIn({ roles: [], permissions: [] });
const station = { ...NOBODY, station: STATION };
const labels = (session: typeof nurse) => rail(session).map((place) => place.label);

it("shows each role what it may open, and nobody anything", () => {
  expect(labels(nurse)).toEqual(["Ward", "Emergency access", "My account"]);
  expect(labels(administrator)).toEqual(["Users", "Approvals", "Stations", "My account"]);
  expect(labels(officer)).toEqual(["Access reviews", "Audit", "My account"]);
  expect(labels(nothing)).toEqual(["My account"]);
  expect([labels(NOBODY), labels(station), labels({ ...nurse, state: "locked" })]).toEqual([[], [], []]);
});

it("leads each to their own beginning", () => {
  expect([nurse, administrator, officer, nothing].map(home)).toEqual(["/", "/admin/users", "/reviews", "/me"]);
});

it("sends whoever is not signed in to sign in, from everywhere but a station's ward", () => {
  const half = signedIn({ state: "half", permissions: [] });
  for (const session of [NOBODY, half]) {
    expect(admit("/", session)).toEqual({ show: "go", to: "/sign-in" });
    expect(admit("/admin/users", session)).toEqual({ show: "go", to: "/sign-in" });
  }
  expect(admit("/", station)).toEqual({ show: "wall" });
  expect(admit("/devices/bed-1", station)).toEqual({ show: "page" });
  expect(admit("/me", station)).toEqual({ show: "go", to: "/sign-in" });
  for (const open of ["/sign-in", "/welcome", "/station", "/nowhere"]) {
    expect(admit(open, NOBODY)).toEqual({ show: "page" });
  }
});

it("names what is missing, and sends nobody away from a page for it", () => {
  expect(admit("/admin/users", nurse)).toEqual({ show: "forbidden", missing: "manage_users" });
  expect(admit("/admin/users/u-1", nurse)).toEqual({ show: "forbidden", missing: "manage_users" });
  expect(admit("/devices/bed-1", administrator)).toEqual({ show: "forbidden", missing: "read_vitals" });
  expect(admit("/", administrator)).toEqual({ show: "go", to: "/admin/users" });
  expect(admit("/sign-in", nurse)).toEqual({ show: "go", to: "/" });
});

it("shows alarms under a lock to whom they were shown before, and a page to nobody", () => {
  const locked: Pick<SessionView, "state" | "permissions"> = { state: "locked", permissions: [] };
  expect(admit("/me", { ...nurse, ...locked })).toEqual({ show: "wall" });
  expect(admit("/me", { ...administrator, ...locked })).toEqual({ show: "wait" });
  expect(admit("/me", { ...administrator, ...locked, station: STATION })).toEqual({ show: "wall" });
});

it("follows live numbers for who may see them, and for a station always", () => {
  expect([nurse, station, { ...administrator, station: STATION }].map(watches)).toEqual([true, true, true]);
  expect([administrator, officer, nothing, NOBODY, signedIn({ state: "half", permissions: [] })].map(watches)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});

it("waits with pages, and not with the wall, until it knows who is here", () => {
  expect(admit("/", null)).toEqual({ show: "wall" });
  expect(admit("/me", null)).toEqual({ show: "wait" });
  expect(placeOf("/meadow")).toBeNull();
});
