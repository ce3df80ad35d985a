import { ask } from "./http.ts";
import type { CodeGiven, NewStation, PrivacyBody, StationList, StationPrivacy, StationView } from "./types.gen.ts";

const NEEDS = { needs: "manage_stations" } as const;

export const stations = (signal: AbortSignal) => ask<StationList>("/api/stations", { ...NEEDS, signal });
export const makeStation = (body: NewStation) => ask<CodeGiven>("/api/stations", { ...NEEDS, method: "POST", body });
/** For another screen at the same place. */
export const newCode = (id: string) =>
  ask<CodeGiven>(`/api/stations/${encodeURIComponent(id)}/code`, { ...NEEDS, method: "POST" });
export const setPrivacy = (id: string, privacy: StationPrivacy) =>
  ask<StationView>(`/api/stations/${encodeURIComponent(id)}`, {
    ...NEEDS,
    method: "PUT",
    body: { privacy } satisfies PrivacyBody,
  });
export const revokeStation = (id: string) =>
  ask(`/api/stations/${encodeURIComponent(id)}`, { ...NEEDS, method: "DELETE" });
