import { ask } from "./http.ts";
import type { Session } from "./identity.ts";

export interface OwnSession {
  id: string;
  started_at: string;
  last_input_at: string;
  /** Unless there is input. */
  ends_at: string;
  station_id?: string | null;
  /** From where it began. */
  address?: string | null;
  factors: string[];
  /** The one that asks. */
  current: boolean;
}

/** Of an authenticator that waits for its first code: base32, and the same as `otpauth://`. */
export interface Seed {
  secret: string;
  uri: string;
}

export interface Welcome {
  purpose: "first_administrator" | "invitation" | "reset";
  login?: string | null;
  expires_at: string;
}

export const ownSessions = (signal: AbortSignal) => ask<{ sessions: OwnSession[] }>("/api/sessions", { signal });
/** `others`: all but the one that asks. */
export const endSession = (id: string) => ask(`/api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });

/** Ends every other session, and brings another token. */
export const changePassword = (password: string) =>
  ask<Session>("/api/me/password", { method: "PUT", alone: true, body: { password } });
export const changePin = (pin: string) => ask("/api/me/pin", { method: "PUT", body: { pin } });
export const beginTotp = () => ask<Seed>("/api/me/totp", { method: "POST" });
/** Ends every other session, and brings another token. */
export const finishTotp = (code: string) =>
  ask<Session>("/api/me/totp", { method: "PUT", alone: true, body: { code } });
/** Ten, shown once; older ones are void. */
export const recoveryCodes = () => ask<{ codes: string[] }>("/api/me/recovery-codes", { method: "POST" });

export const welcome = (token: string, signal: AbortSignal) =>
  ask<Welcome>("/api/welcome", { method: "POST", body: { token }, signal });
export const beginWelcome = (body: { token: string; password: string; login?: string; display_name?: string }) =>
  ask<Seed>("/api/welcome/begin", { method: "POST", body });
/** Signs in. */
export const finishWelcome = (token: string, code: string) =>
  ask<{ codes: string[] }>("/api/welcome/finish", { method: "POST", alone: true, body: { token, code } });
