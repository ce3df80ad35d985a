import type { Mode, Privacy } from "../api/identity.ts";

export const MODES: Readonly<Record<Mode, string>> = { wall: "Wall", desktop: "Desk", phone: "Phone" };

/** What a station shows of a name while nobody has identified there. */
export const PRIVACIES: { value: Privacy; label: string }[] = [
  { value: "initials", label: "Initials" },
  { value: "none", label: "No names" },
  { value: "names", label: "Whole names" },
];
