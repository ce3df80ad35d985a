const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const ZONE = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

/** `10:42:07`, 24 h, never 24:00. */
export function timeOfDay(ms: number): string {
  return CLOCK.format(ms);
}

/** `10:42` */
export function hourMinute(ms: number): string {
  return timeOfDay(ms).slice(0, 5);
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric" });

/** `24-Nov-2026 09:42`: never all numbers, one space between (ui.md §2.8). */
export function dateTime(at: number | string): string {
  const ms = typeof at === "number" ? at : Date.parse(at);
  const day = DAY.formatToParts(ms).filter((part) => part.type !== "literal");
  return `${day.map((part) => part.value.slice(0, part.type === "month" ? 3 : 4)).join("-")} ${hourMinute(ms)}`;
}

/** The short name of the zone all times are shown in, such as `GMT`. */
export function zone(ms: number): string {
  return ZONE.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** `00:37`, from an hour on `2h 05m`. A negative span, from clocks that disagree, is zero. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (n: number) => String(n).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h ${pad(Math.floor(seconds / 60) % 60)}m`;
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}

/** `5 s`, `12 min`, `3 h`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
