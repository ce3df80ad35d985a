import type { Grant } from "../api/types.gen.ts";

export interface Decision {
  approve: boolean;
  end: boolean;
  /** Why a button is not there. */
  why: string;
}

/** Two persons decide: whom it is for, who proposed it and who approves it all differ. The server holds to it too. */
export function whoMay(grant: Grant, me: string | undefined): Decision {
  if (grant.state === "ended") return { approve: false, end: false, why: "" };
  if (grant.user_id === me) return { approve: false, end: false, why: "About you: others decide" };
  if (grant.state === "active") return { approve: false, end: true, why: "" };
  if (grant.granted_by === me) return { approve: false, end: true, why: "You proposed it: another approves" };
  return { approve: true, end: true, why: "" };
}
