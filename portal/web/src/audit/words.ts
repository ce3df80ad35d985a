import type { AuditSearch } from "../api/audit.ts";
import type { AuditEvent } from "../api/types.gen.ts";

const ACTIONS: Readonly<Record<string, string>> = {
  C: "made",
  R: "read",
  U: "changed",
  D: "removed",
  E: "did",
};

const PURPOSES: Readonly<Record<string, string>> = {
  TREAT: "treatment",
  BTG: "emergency access",
  PAY: "payment",
  OPS: "operations",
};

export function who(event: AuditEvent): string {
  return event.user_name ?? event.user ?? (event.part ? `Vigil, ${event.part}` : "a device");
}

/** `read patient, for treatment`, `did GET /api/audit 3 times` */
export function what(event: AuditEvent): string {
  const thing = (event.entity_kind ?? event.endpoint ?? event.category).replaceAll("_", " ");
  const times = event.times > 1 ? ` ${event.times} times` : "";
  const purpose = event.purpose ? `, for ${PURPOSES[event.purpose] ?? event.purpose}` : "";
  return `${ACTIONS[event.action] ?? event.action} ${thing}${times}${purpose}`;
}

/** A moment of a form, by this screen's clock, as the API wants it; an empty field is none. */
export function moment(local: string): string | undefined {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** Without what was left empty. */
export function searched(fields: Record<keyof AuditSearch, string | undefined>): AuditSearch {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}
