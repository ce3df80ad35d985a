import type { Priority } from "../api/types.gen.ts";
import { count } from "../clinical/alarms.ts";
import { timeOfDay, zone } from "../clinical/times.ts";
import type { Health } from "../rt/health.ts";
import type { Screen, Station } from "../rt/station.ts";
import { setData, setText } from "../wall/text.ts";
import { element } from "./element.ts";

const WORDS: Readonly<Record<Health, string>> = {
  connecting: "CONNECTING",
  live: "LIVE",
  reconnecting: "RECONNECTING",
  lost: "NOT LIVE",
  off: "NO LIVE VIEW",
};

const COUNTED: readonly [Priority, string][] = [
  ["high", "HIGH"],
  ["medium", "MED"],
  ["low", "LOW"],
];

/** Link, server time, age of the link, devices and alarm counts; on every page. */
export class StatusBar implements Screen {
  readonly #state = element("link-state");
  readonly #time = element("server-time");
  readonly #age = element("link-age");
  readonly #devices = element("device-count");
  readonly #refusal = element("refusal");
  readonly #takeOver = element("take-over");
  readonly #counts = element("counts");

  change(): void {
    // All of it is written by the next look, at most a quarter of a second away.
  }

  look(now: number, health: Health, station: Station): void {
    setText(this.#state, WORDS[health]);
    setData(this.#state, "health", health);
    const server = station.clock.at(now) ?? station.heardMs;
    const shown = health === "lost" || health === "off" ? null : server;
    setText(this.#time, shown === null ? "--:--:--" : `${timeOfDay(shown)} ${zone(shown)}`);
    const age = (now - station.health.heardAt) / 1000;
    setText(
      this.#age,
      station.heardMs === null || health === "off" ? "" : `age ${age < 10 ? age.toFixed(1) : Math.floor(age)} s`,
    );
    const devices = [...station.ward.devices.values()];
    const connected = devices.filter((d) => d.connected).length;
    const known = health === "lost" ? "devices unknown" : `${connected}/${devices.length} devices`;
    setText(this.#devices, health === "off" ? "" : known);
    setText(this.#refusal, station.refusal);
    this.#takeOver.hidden = !station.replaced;
    this.#paintCounts(health, station);
  }

  #paintCounts(health: Health, station: Station): void {
    const alarms = [...station.ward.alarms.values()];
    this.#counts.hidden = health === "off";
    const key = health === "lost" ? "lost" : COUNTED.map(([p]) => count(alarms, p)).join();
    if (this.#counts.dataset.key === key) return;
    this.#counts.dataset.key = key;
    const chips = COUNTED.map(([priority, word]) => {
      const n = key === "lost" ? "?" : count(alarms, priority);
      const chip = document.createElement("span");
      chip.className = `count ${n === 0 || n === "?" ? "none" : priority}`;
      chip.textContent = `${n} ${word}`;
      return chip;
    });
    this.#counts.replaceChildren(...chips);
  }
}
