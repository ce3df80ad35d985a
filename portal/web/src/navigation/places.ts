import type { Permission, Role, SessionView } from "../api/types.gen.ts";

export interface Place {
  path: string;
  label: string;
  /** Whom the page is for; the server decides, the page only says so first. */
  needs: Permission | "signed_in" | "open";
  /** Stands in the rail of whoever may see it. */
  rail: boolean;
}

export const SIGN_IN = "/sign-in";
export const WARD = "/";

/** In the order of the rail. The first that somebody may see is where signing in leads. */
export const PLACES: readonly Place[] = [
  { path: WARD, label: "Ward", needs: "read_vitals", rail: true },
  { path: "/break-glass", label: "Emergency access", needs: "break_glass", rail: true },
  { path: "/reviews", label: "Access reviews", needs: "review_break_glass", rail: true },
  { path: "/audit", label: "Audit", needs: "search_audit", rail: true },
  { path: "/admin/users", label: "Users", needs: "manage_users", rail: true },
  { path: "/admin/grants", label: "Approvals", needs: "manage_grants", rail: true },
  { path: "/admin/stations", label: "Stations", needs: "manage_stations", rail: true },
  { path: "/me", label: "My account", needs: "signed_in", rail: true },
  { path: "/devices", label: "Trend", needs: "read_vitals", rail: false },
  { path: SIGN_IN, label: "Sign in", needs: "open", rail: false },
  { path: "/welcome", label: "Welcome", needs: "open", rail: false },
  { path: "/station", label: "This screen", needs: "open", rail: false },
];

/** The place that an address lies in; addresses that nobody knows are for anybody, and say so. */
export function placeOf(path: string): Place | null {
  return (
    PLACES.find((place) => path === place.path || (place.path !== WARD && path.startsWith(`${place.path}/`))) ?? null
  );
}

function allowed(place: Place, session: SessionView): boolean {
  if (place.needs === "open") return true;
  // A station shows its ward to whoever stands before it.
  if (place.needs === "read_vitals" && session.station) return true;
  if (session.state !== "open") return false;
  return place.needs === "signed_in" || session.permissions.includes(place.needs);
}

export function rail(session: SessionView): readonly Place[] {
  if (session.state !== "open") return [];
  return PLACES.filter((place) => place.rail && allowed(place, session));
}

export function home(session: SessionView): string {
  return PLACES.find((place) => place.rail && allowed(place, session))?.path ?? "/me";
}

/** Roles with `read_vitals`: while a session is locked the server tells its roles alone. */
const AT_BEDS: readonly Role[] = ["nurse", "charge_nurse", "physician"];

/** Live numbers and alarms are for this screen. */
export function watches(session: SessionView): boolean {
  if (session.station) return true;
  // A lock takes names away, not alarms.
  if (session.state === "locked") return session.roles.some((role) => AT_BEDS.includes(role));
  return session.state === "open" && session.permissions.includes("read_vitals");
}

export type Admission =
  | { show: "wall" | "page" | "wait" }
  | { show: "go"; to: string }
  | { show: "forbidden"; missing: Permission };

/** What an address shows to whom. */
export function admit(path: string, session: SessionView | null): Admission {
  const place = placeOf(path);
  const wall = path === WARD;
  if (session === null) return { show: wall ? "wall" : "wait" };
  if (session.state === "locked") return { show: watches(session) ? "wall" : "wait" };
  if (session.state === "open" && path === SIGN_IN) return { show: "go", to: home(session) };
  if (place === null || allowed(place, session)) return { show: wall ? "wall" : "page" };
  if (session.state !== "open") return { show: "go", to: SIGN_IN };
  if (wall) return { show: "go", to: home(session) };
  if (place.needs === "open" || place.needs === "signed_in") return { show: "page" };
  return { show: "forbidden", missing: place.needs };
}
