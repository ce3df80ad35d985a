import { createContext, useContext, useSyncExternalStore } from "react";
import type { SessionView } from "../api/types.gen.ts";
import type { SessionWatch } from "../session/session.ts";
import { NOBODY } from "../session/session.ts";

export const Here = createContext<SessionWatch | null>(null);

export function useWatch(): SessionWatch {
  const watch = useContext(Here);
  if (watch === null) throw new Error("no session is watched here");
  return watch;
}

/** Who is signed in at this screen. */
export function useHere(): SessionView {
  const watch = useWatch();
  return useSyncExternalStore(watch.subscribe, watch.shown) ?? NOBODY;
}
