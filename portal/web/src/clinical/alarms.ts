import type { Alarm, Priority } from "../api/types.gen.ts";
import { elapsed, timeOfDay } from "./times.ts";

const RANK: Readonly<Record<Priority, number>> = { high: 3, medium: 2, low: 1 };

/** `***` for a patient's alarm, `!!!` for a technical one; as many signs as the priority ranks. */
export function prefix(alarm: Alarm): string {
  return (alarm.kind === "technical" ? "!" : "*").repeat(RANK[alarm.priority]);
}

/** Most urgent first, then the oldest; the identifier settles what is left, so that rows never swap. */
export function byUrgency(a: Alarm, b: Alarm): number {
  return (
    RANK[b.priority] - RANK[a.priority] ||
    Date.parse(a.onset_at) - Date.parse(b.onset_at) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** The bed, or Vigil itself for an alarm of the system. */
export function who(alarm: Alarm): string {
  return alarm.device ?? "VIGIL";
}

/** `bed-12 HR 134 > 120`: short enough to be spoken. */
export function spoken(alarm: Alarm): string {
  const sim = alarm.simulated ? "simulated, " : "";
  return `${alarm.priority} alarm, ${sim}${who(alarm)} ${alarm.text}`;
}

/** `*** bed-12  HR 134 > 120  10:42:07  00:37` in its fixed order. */
export interface AlarmLine {
  prefix: string;
  who: string;
  text: string;
  onset: string;
  elapsed: string;
}

export function alarmLine(alarm: Alarm, serverNowMs: number): AlarmLine {
  const onset = Date.parse(alarm.onset_at);
  return {
    prefix: prefix(alarm),
    who: who(alarm),
    text: alarm.text,
    onset: timeOfDay(onset),
    elapsed: elapsed(serverNowMs - onset),
  };
}

export function count(alarms: Iterable<Alarm>, priority: Priority): number {
  let n = 0;
  for (const alarm of alarms) if (alarm.priority === priority) n += 1;
  return n;
}
