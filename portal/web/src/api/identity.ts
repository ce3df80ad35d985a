import { ask } from "./http.ts";
import type {
  CodeBody,
  EnrolBody,
  PinSignInBody,
  SessionView,
  SignInBody,
  StationView,
  UnlockBody,
} from "./types.gen.ts";

const POST = { method: "POST" } as const;
/** The token changes with the answer. */
const TURN = { method: "POST", alone: true } as const;

export const session = () => ask<SessionView>("/api/session");
export const signIn = (login: string, password: string) =>
  ask<SessionView>("/api/session", { ...TURN, body: { login, password } satisfies SignInBody });
export const secondFactor = (code: string) =>
  ask<SessionView>("/api/session/factor", { ...TURN, body: { code } satisfies CodeBody });
export const pinSignIn = (login: string, pin: string) =>
  ask<SessionView>("/api/session/pin", { ...TURN, body: { login, pin } satisfies PinSignInBody });
export const lock = () => ask<SessionView>("/api/session/lock", TURN);
/** The PIN on a station, the password elsewhere. */
export const unlock = (proof: UnlockBody) => ask<SessionView>("/api/session/unlock", { ...TURN, body: proof });
export const stepUp = (code: string) =>
  ask<SessionView>("/api/session/step-up", { ...TURN, body: { code } satisfies CodeBody });
export const input = () => ask<SessionView>("/api/session/input", POST);
export const signOut = () => ask("/api/session", { method: "DELETE", alone: true });
/** Makes this station's token good for 90 days more. */
export const renewStation = () => ask<StationView>("/api/station/renew", TURN);
/** Makes this browser the station that the code was made for. */
export const enrolStation = (code: string) =>
  ask<StationView>("/api/station", { ...TURN, body: { code } satisfies EnrolBody });
