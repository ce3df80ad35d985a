import type { SessionView, StationView } from "../api/types.gen.ts";
import { NOON_ISH } from "./made.ts";

const at = (minutes: number) => new Date(NOON_ISH + minutes * 60_000).toISOString();

/** A nurse who has just signed in at a screen that is no station. */
export function signedIn(over: Partial<SessionView> = {}): SessionView {
  return {
    state: "open",
    user: { id: "u-lee", login: "lee", display_name: "Ann Lee" },
    station: null,
    factors: ["password", "totp"],
    roles: ["nurse"],
    permissions: ["read_vitals", "break_glass", "find_patients"],
    locks_at: at(5),
    ends_at: at(15),
    stepped_up_until: null,
    ...over,
  };
}

export const STATION: StationView = {
  id: "s-1",
  name: "ICU desk",
  mode: "wall",
  location_id: "l-1",
  privacy: "initials",
  enrolled: true,
  expires_at: at(90 * 24 * 60),
  revoked: false,
  version: 1,
};
