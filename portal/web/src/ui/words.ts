import type { Permission, Role } from "../api/types.gen.ts";

export const ROLES: Readonly<Record<Role, string>> = {
  nurse: "Nurse",
  charge_nurse: "Charge nurse",
  physician: "Physician",
  scheduler: "Scheduler",
  biller: "Biller",
  administrator: "Administrator",
  auditor: "Auditor",
  privacy_officer: "Privacy officer",
  device_engineer: "Device engineer",
};

export const PERMISSIONS: Readonly<Record<Permission, string>> = {
  read_vitals: "see vital signs",
  read_chart: "read charts",
  write_chart: "write charts",
  answer_alarms: "answer alarms",
  set_limits: "set alarm limits",
  assign_devices: "assign devices to patients",
  manage_cover: "say who covers which bed",
  break_glass: "open a record in an emergency",
  find_patients: "find patients",
  register_patients: "register patients",
  manage_appointments: "manage appointments",
  manage_billing: "manage billing",
  manage_users: "manage users",
  manage_grants: "manage who may do what",
  manage_stations: "manage stations",
  search_audit: "search the audit",
  export_audit: "export the audit",
  review_break_glass: "review emergency access",
  read_devices: "see devices",
  manage_devices: "manage devices",
};

const FACTORS: Readonly<Record<string, string>> = {
  password: "password",
  totp: "authenticator",
  recovery: "recovery code",
  pin: "PIN",
};

export function factors(given: readonly string[]): string {
  return given.map((factor) => FACTORS[factor] ?? factor).join(" and ");
}

/** Base32 as people copy it from a screen. */
export function inFours(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(" ") ?? "";
}
