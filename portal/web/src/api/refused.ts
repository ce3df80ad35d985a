import type { Permission } from "./types.gen.ts";

/** The one error of every request: what the server refused (RFC 9457), or why it could not be asked. */
export class Refused extends Error {
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    readonly code: string,
    detail: string,
    /** Of whoever asks this endpoint; what `missing_permission` misses. */
    readonly needs: Permission | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  unreachable: "The server cannot be reached. Check this computer's network, then try again.",
  too_slow: "The server did not answer in time. Try again.",
  unreadable_answer: "The server answered something that this page does not understand. Load the page anew.",
  wrong_credentials: "The user name or the password is wrong.",
  wrong_code: "The code is wrong or was used before. Wait for the next one.",
  wrong_pin: "The PIN is wrong, or does not hold here. Sign in with your password and a code.",
  busy: "The server has too many sign-ins at once. Try again in a moment.",
  not_signed_in: "You are signed out. Sign in again.",
  locked: "This screen is locked.",
  step_up_needed: "This needs a fresh code of your authenticator.",
  not_confirmed: "Nothing was changed, because you did not confirm that it is you.",
  unknown_link: "This link is not known, was used, or is too old. Ask an administrator for a new one.",
  administrator_exists: "There is an administrator already. Ask that person for an invitation.",
  login_taken: "Somebody has this user name. Choose another.",
  not_found: "This does not exist, or no longer.",
  last_administrator: "This is the last administrator. Make another one first.",
  own_account: "You cannot do this to your own account.",
  own_grants: "You cannot change what you may do yourself.",
  own_proposal: "You proposed this. Another administrator must approve it.",
  own_access: "You cannot review your own access.",
  granted_already: "This person has that role there already.",
  excluded_role: "One person cannot hold both this role and one that they have.",
  not_pending: "This waits for nobody any more. Load the list again.",
  related_already: "This record is open to you already.",
  ended_already: "This has ended already. Load the list again.",
  reviewed_already: "Somebody has reviewed this access meanwhile.",
  still_open: "The access is still open. It can be found justified once it is over.",
  changed_meanwhile: "Somebody has changed this meanwhile. Load the list again.",
  in_flight: "This is under way already. Load the list to see what came of it.",
  unknown_location: "There is no such place.",
  unknown_code: "This code is not known, was used, or is older than 10 minutes. Ask for a new one.",
  no_station: "This screen is no station.",
  no_relation: "You have no relation to this patient.",
  foreign_origin: "The portal answers its own pages only. Open it at its own address.",
  foreign_host: "The portal answers at its own address only.",
  standby: "This server stands by. Open the active one.",
  database_away: "The database is away. Alarms go on; try again in a moment.",
  audit_away: "It cannot be written down who sees this now, so it is not shown. Try again in a moment.",
  keys_away: "The keys are away, so nothing personal can be read. Try again in a moment.",
};

/** What a person is told. The server's own words where they say more than its code does. */
export function sentence(error: unknown): string {
  if (!(error instanceof Refused)) return "Something went wrong in this page. Load it anew.";
  if (error.code === "throttled") return `Too many tries. Wait ${error.retryAfterSeconds ?? 60} s, then try again.`;
  return SENTENCES[error.code] ?? error.message;
}
