import { ask } from "./http.ts";
import type { Grant, GrantList, Invited, NewGrant, NewUser, User, UserList } from "./types.gen.ts";

/** How far the last page came; null at the end. */
export type Next = string | null;

const USERS = { needs: "manage_users" } as const;
const GRANTS = { needs: "manage_grants" } as const;

export const users = (cursor: Next, signal: AbortSignal) =>
  ask<UserList>("/api/users", { ...USERS, query: { cursor }, signal });
export const invite = (login: string, display_name: string) =>
  ask<Invited>("/api/users", { ...USERS, method: "POST", body: { login, display_name } satisfies NewUser });
export const disable = (id: string) =>
  ask<User>(`/api/users/${encodeURIComponent(id)}/disable`, { ...USERS, method: "POST" });

export const grants = (of: { user?: string; state: "pending" | "all" }, cursor: Next, signal: AbortSignal) =>
  ask<GrantList>("/api/grants", { ...GRANTS, query: { ...of, cursor }, signal });
export const grant = (body: NewGrant) => ask<Grant>("/api/grants", { ...GRANTS, method: "POST", body });
export const approve = (id: string) =>
  ask<Grant>(`/api/grants/${encodeURIComponent(id)}/approve`, { ...GRANTS, method: "POST" });
export const endGrant = (id: string) => ask(`/api/grants/${encodeURIComponent(id)}`, { ...GRANTS, method: "DELETE" });
