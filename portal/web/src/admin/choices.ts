import type { StationMode, StationPrivacy } from "../api/types.gen.ts";

export const MODES: Readonly<Record<StationMode, string>> = { wall: "Wall", desktop: "Desk", phone: "Phone" };

/** What a station shows of a name while nobody has identified there. */
export const PRIVACIES: { value: StationPrivacy; label: string }[] = [
  { value: "initials", label: "Initials" },
  { value: "none", label: "No names" },
  { value: "names", label: "Whole names" },
];
