import { useRef, useState } from "react";
import { stepUp } from "./stepUp.ts";

/** Sends what a person asked for: once at a time, after a fresh code where the server wants one. */
export function useSend<A extends unknown[], T>(work: (...given: A) => Promise<T>, done?: (answer: T) => void) {
  const busy = useRef(false);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  async function send(...given: A): Promise<void> {
    if (busy.current) return;
    busy.current = true;
    setSending(true);
    setProblem(null);
    try {
      const answer = await stepUp.before(() => work(...given));
      done?.(answer);
    } catch (error) {
      setProblem(error);
    } finally {
      busy.current = false;
      setSending(false);
    }
  }

  return { send, sending, problem };
}
