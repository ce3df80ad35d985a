import type { Alarm, LiveDevice } from "../api/types.gen.ts";
import { byUrgency, prefix } from "../clinical/alarms.ts";
import { FIXED, GROUPS, type Group } from "../clinical/parameters.ts";
import { type CellView, cellView, type Known, type Override } from "../clinical/reading.ts";
import { ageOf, type Reading } from "../rt/ward.ts";

/** A device's clock is named on its tile from here on (ui.md §2.5). */
const CLOCK_MS = 2_000;

export interface GroupView {
  group: Group;
  view: CellView;
  /** Priority of an alarm on this parameter, or empty. */
  alarm: string;
}

export interface TileView {
  /** As far as this screen may say. */
  patient: string;
  priority: string;
  alarm: string;
  /** `NO SIGNAL`, `CLOCK +5 s`, `SIM` */
  chips: string[];
  silent: boolean;
  groups: GroupView[];
}

export interface TileInput {
  device: LiveDevice;
  readings: ReadonlyMap<string, Reading> | undefined;
  alarms: readonly Alarm[];
  now: number;
  over: Override;
}

function known(reading: Reading | undefined, now: number): Known | undefined {
  if (!reading) return undefined;
  const { value, mark } = reading;
  return { value, mark, measuredMs: reading.at_ms + reading.offset_ms, ageMs: ageOf(reading, now) };
}

function chips(input: TileInput): string[] {
  const { device, readings } = input;
  const simulated = device.realm === "live" ? [] : ["SIM"];
  if (input.over === "lost") return simulated;
  const said: string[] = [];
  if (!device.connected || (!readings && device.last_received_at === null)) said.push("NO SIGNAL");
  // The offset is receive time less device time: a fast clock makes it negative.
  const fast = -([...(readings?.values() ?? [])].at(-1)?.offset_ms ?? 0);
  if (Math.abs(fast) > CLOCK_MS) said.push(`CLOCK ${fast > 0 ? "+" : "−"}${Math.round(Math.abs(fast) / 1000)} s`);
  return [...said, ...simulated];
}

/** Everything a tile says, from what is known this moment. */
export function tileView(input: TileInput): TileView {
  const { device, readings, now } = input;
  const silent = !device.connected;
  const over: Override = input.over === "none" && silent ? "late" : input.over;
  // Under a lost link an alarm on a tile would claim knowledge of now; the banner keeps the last known ones.
  const alarms = over === "lost" ? [] : [...input.alarms].sort(byUrgency);
  const first = alarms[0];
  const groups = GROUPS.filter((group) => FIXED.has(group.key) || group.parameters.some((p) => readings?.has(p))).map(
    (group) => ({
      group,
      view: cellView(
        group,
        group.parameters.map((p) => known(readings?.get(p), now)),
        group.spot || device.profile === "home",
        over,
      ),
      alarm: alarms.find((a) => a.parameter !== null && group.parameters.includes(a.parameter))?.priority ?? "",
    }),
  );
  const more = alarms.length > 1 ? ` +${alarms.length - 1}` : "";
  return {
    patient: device.patient?.label ?? "",
    priority: first?.priority ?? "",
    alarm: first ? `${prefix(first)} ${first.text}${more}` : "",
    chips: chips(input),
    silent,
    groups,
  };
}
