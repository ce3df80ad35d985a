import { ask } from "./http.ts";

export type Permission =
  | "read_vitals"
  | "read_chart"
  | "write_chart"
  | "answer_alarms"
  | "set_limits"
  | "assign_devices"
  | "manage_cover"
  | "break_glass"
  | "find_patients"
  | "register_patients"
  | "manage_appointments"
  | "manage_billing"
  | "manage_users"
  | "manage_grants"
  | "manage_stations"
  | "search_audit"
  | "export_audit"
  | "review_break_glass"
  | "read_devices"
  | "manage_devices";

export type Role =
  | "nurse"
  | "charge_nurse"
  | "physician"
  | "scheduler"
  | "biller"
  | "administrator"
  | "auditor"
  | "privacy_officer"
  | "device_engineer";

export interface SignedIn {
  id: string;
  login: string;
  display_name: string;
}

export type Privacy = "names" | "initials" | "none";
export type Mode = "wall" | "desktop" | "phone";

export interface ThisStation {
  id: string;
  name: string;
  mode: Mode;
  location_id: string;
  privacy: Privacy;
}

/** Who is signed in here, and what for. */
export interface Session {
  state: "none" | "half" | "open" | "locked";
  user?: SignedIn | null;
  station?: ThisStation | null;
  factors: string[];
  roles: Role[];
  permissions: Permission[];
  locks_at?: string | null;
  /** Unless there is input. */
  ends_at?: string | null;
  stepped_up_until?: string | null;
}

const POST = { method: "POST" } as const;
/** The token changes with the answer. */
const TURN = { method: "POST", alone: true } as const;

export const session = () => ask<Session>("/api/session");
export const signIn = (login: string, password: string) =>
  ask<Session>("/api/session", { ...TURN, body: { login, password } });
export const secondFactor = (code: string) => ask<Session>("/api/session/factor", { ...TURN, body: { code } });
export const pinSignIn = (login: string, pin: string) =>
  ask<Session>("/api/session/pin", { ...TURN, body: { login, pin } });
export const lock = () => ask<Session>("/api/session/lock", TURN);
/** The PIN on a station, the password elsewhere. */
export const unlock = (proof: { pin: string } | { password: string }) =>
  ask<Session>("/api/session/unlock", { ...TURN, body: proof });
export const stepUp = (code: string) => ask<Session>("/api/session/step-up", { ...TURN, body: { code } });
export const input = () => ask<Session>("/api/session/input", POST);
export const signOut = () => ask("/api/session", { method: "DELETE", alone: true });
/** Makes this station's token good for 90 days more. */
export const renewStation = () => ask<ThisStation>("/api/station/renew", TURN);
/** Makes this browser the station that the code was made for. */
export const enrolStation = (code: string) => ask<ThisStation>("/api/station", { ...TURN, body: { code } });
