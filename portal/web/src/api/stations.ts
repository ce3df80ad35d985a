import { ask } from "./http.ts";
import type { Mode, Privacy, ThisStation } from "./identity.ts";

export interface EnrolledStation extends ThisStation {
  /** Its code was redeemed. */
  enrolled: boolean;
  expires_at?: string | null;
  revoked: boolean;
}

export interface NewStation {
  name: string;
  mode: Mode;
  location_id: string;
  privacy: Privacy;
}

export interface StationCode {
  station: EnrolledStation;
  /** Good once, for 10 min. */
  code: string;
  code_expires_at: string;
}

const NEEDS = { needs: "manage_stations" } as const;

export const stations = (signal: AbortSignal) =>
  ask<{ stations: EnrolledStation[] }>("/api/stations", { ...NEEDS, signal });
export const makeStation = (body: NewStation) => ask<StationCode>("/api/stations", { ...NEEDS, method: "POST", body });
/** For another screen at the same place. */
export const newCode = (id: string) =>
  ask<StationCode>(`/api/stations/${encodeURIComponent(id)}/code`, { ...NEEDS, method: "POST" });
export const setPrivacy = (id: string, privacy: Privacy) =>
  ask<EnrolledStation>(`/api/stations/${encodeURIComponent(id)}`, { ...NEEDS, method: "PUT", body: { privacy } });
export const revokeStation = (id: string) =>
  ask(`/api/stations/${encodeURIComponent(id)}`, { ...NEEDS, method: "DELETE" });
