import { ask } from "./http.ts";
import type { Role } from "./identity.ts";

export interface User {
  id: string;
  login: string;
  display_name: string;
  status: "invited" | "active" | "disabled";
  roles: Role[];
}

export interface Grant {
  id: string;
  user_id: string;
  role: Role;
  location_id?: string | null;
  from: string;
  until?: string | null;
  granted_by?: string | null;
  approved_by?: string | null;
  state: "pending" | "active" | "ended";
}

export interface Invitation {
  user: User;
  /** Shown once, good for 24 h. */
  token: string;
  expires_at: string;
}

export interface NewGrant {
  user_id: string;
  role: Role;
  location_id?: string;
  until?: string;
}

/** How far the last page came; null at the end. */
export type Next = string | null | undefined;

const USERS = { needs: "manage_users" } as const;
const GRANTS = { needs: "manage_grants" } as const;

export const users = (cursor: Next, signal: AbortSignal) =>
  ask<{ users: User[]; next: Next }>("/api/users", { ...USERS, query: { cursor }, signal });
export const invite = (login: string, display_name: string) =>
  ask<Invitation>("/api/users", { ...USERS, method: "POST", body: { login, display_name } });
export const disable = (id: string) =>
  ask<User>(`/api/users/${encodeURIComponent(id)}/disable`, { ...USERS, method: "POST" });

export const grants = (of: { user?: string; state: "pending" | "all" }, cursor: Next, signal: AbortSignal) =>
  ask<{ grants: Grant[]; next: Next }>("/api/grants", { ...GRANTS, query: { ...of, cursor }, signal });
export const grant = (body: NewGrant) => ask<Grant>("/api/grants", { ...GRANTS, method: "POST", body });
export const approve = (id: string) =>
  ask<Grant>(`/api/grants/${encodeURIComponent(id)}/approve`, { ...GRANTS, method: "POST" });
export const endGrant = (id: string) => ask(`/api/grants/${encodeURIComponent(id)}`, { ...GRANTS, method: "DELETE" });
