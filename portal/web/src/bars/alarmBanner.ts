import type { Alarm } from "../api/types.gen.ts";
import { alarmLine, byUrgency } from "../clinical/alarms.ts";
import { timeOfDay } from "../clinical/times.ts";
import type { Health } from "../rt/health.ts";
import type { Screen, Station } from "../rt/station.ts";
import type { Change } from "../rt/ward.ts";
import { inPhase } from "../wall/flash.ts";
import { setData, setText, span } from "../wall/text.ts";
import { element } from "./element.ts";

/** Rows shown; the rest is counted. */
const ROWS = 5;
const PARTS = ["sign", "who", "what", "onset", "elapsed", "sim"] as const;

class Row {
  readonly root = document.createElement("a");
  readonly #parts = new Map<string, HTMLElement>();

  constructor() {
    this.root.className = "row";
    this.root.dataset.route = "";
    for (const part of PARTS) this.#parts.set(part, span(part, this.root));
  }

  paint(alarm: Alarm, nowMs: number): void {
    const line = alarmLine(alarm, nowMs);
    const texts = [line.prefix, line.who, line.text, line.onset, line.elapsed, alarm.simulated ? "SIM" : ""];
    for (const [i, part] of PARTS.entries()) {
      const node = this.#parts.get(part);
      if (node) setText(node, texts[i] ?? "");
    }
    const href = alarm.device === null ? "/" : `/devices/${encodeURIComponent(alarm.device)}`;
    if (this.root.getAttribute("href") !== href) this.root.setAttribute("href", href);
    if (this.root.dataset.alarm !== alarm.priority) {
      setData(this.root, "alarm", alarm.priority);
      inPhase(this.root);
    }
  }
}

/** The active alarms of all devices, most urgent first, on every page. */
export class AlarmBanner implements Screen {
  readonly #host = element("banner");
  readonly #rows: Row[] = [];
  readonly #says = span("says", this.#host);
  #health: Health = "connecting";

  change(_change: Change, station: Station): void {
    this.#paint(performance.now(), station);
  }

  look(now: number, health: Health, station: Station): void {
    this.#health = health;
    this.#paint(now, station);
  }

  #paint(now: number, station: Station): void {
    const alarms = [...station.ward.alarms.values()].sort(byUrgency);
    const server = station.clock.at(now) ?? station.heardMs ?? station.openedMs;
    const shown = alarms.slice(0, ROWS);
    while (this.#rows.length < shown.length) {
      const row = new Row();
      this.#rows.push(row);
      this.#says.before(row.root);
    }
    for (const row of this.#rows.splice(shown.length)) row.root.remove();
    const lost = this.#health === "lost" || this.#health === "connecting" || this.#health === "off";
    const asOf = lost ? (station.heardMs ?? server) : server;
    for (const [i, alarm] of shown.entries()) this.#rows[i]?.paint(alarm, asOf);
    setData(this.#host, "lost", String(lost));
    setText(this.#says, this.#words(alarms.length, lost, station));
  }

  #words(active: number, lost: boolean, station: Station): string {
    if (this.#health === "off") return "No alarms are shown on this screen.";
    if (lost) {
      if (station.heardMs === null) return "Alarms not known yet";
      return `${active === 0 ? "No alarm" : "Alarms"} when last heard at ${timeOfDay(station.heardMs)}. Not live.`;
    }
    if (active === 0) return "No active alarms";
    return active > ROWS ? `+ ${active - ROWS} more` : "";
  }
}
