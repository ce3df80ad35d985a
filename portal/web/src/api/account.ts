import { ask } from "./http.ts";
import type {
  BeginBody,
  CodeBody,
  Codes,
  FinishBody,
  NewPassword,
  NewPin,
  SeedShown,
  SessionList,
  SessionView,
  TokenBody,
  Welcome,
} from "./types.gen.ts";

export const ownSessions = (signal: AbortSignal) => ask<SessionList>("/api/sessions", { signal });
/** `others`: all but the one that asks. */
export const endSession = (id: string) => ask(`/api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });

/** Ends every other session, and brings another token. */
export const changePassword = (password: string) =>
  ask<SessionView>("/api/me/password", { method: "PUT", alone: true, body: { password } satisfies NewPassword });
export const changePin = (pin: string) => ask("/api/me/pin", { method: "PUT", body: { pin } satisfies NewPin });
export const beginTotp = () => ask<SeedShown>("/api/me/totp", { method: "POST" });
/** Ends every other session, and brings another token. */
export const finishTotp = (code: string) =>
  ask<SessionView>("/api/me/totp", { method: "PUT", alone: true, body: { code } satisfies CodeBody });
/** Ten, shown once; older ones are void. */
export const recoveryCodes = () => ask<Codes>("/api/me/recovery-codes", { method: "POST" });

export const welcome = (token: string, signal: AbortSignal) =>
  ask<Welcome>("/api/welcome", { method: "POST", body: { token } satisfies TokenBody, signal });
export const beginWelcome = (body: BeginBody) => ask<SeedShown>("/api/welcome/begin", { method: "POST", body });
/** Signs in. */
export const finishWelcome = (token: string, code: string) =>
  ask<Codes>("/api/welcome/finish", { method: "POST", alone: true, body: { token, code } satisfies FinishBody });
