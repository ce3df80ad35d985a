import { spoken } from "../clinical/alarms.ts";
import type { Screen } from "../rt/station.ts";
import type { Change } from "../rt/ward.ts";
import { element } from "./element.ts";

/** One message in this time for alarms of medium priority (ui.md §2.11). */
const MEDIUM_MS = 3_000;

/** Tells a screen reader of alarms as they are raised: HIGH at once, MEDIUM throttled, LOW never. */
export class Announcer implements Screen {
  readonly #high = element("say-high");
  readonly #medium = element("say-medium");
  #pending: string[] = [];
  #saidAt = Number.NEGATIVE_INFINITY;

  change(change: Change): void {
    for (const { what, alarm } of change.steps) {
      if (what !== "raised") continue;
      if (alarm.priority === "high") this.#high.textContent = spoken(alarm);
      if (alarm.priority === "medium") this.#pending.push(spoken(alarm));
    }
  }

  look(now: number): void {
    if (this.#pending.length === 0 || now - this.#saidAt < MEDIUM_MS) return;
    this.#saidAt = now;
    const more = this.#pending.length > 1 ? `, and ${this.#pending.length - 1} more` : "";
    this.#medium.textContent = `${this.#pending[0]}${more}`;
    this.#pending = [];
  }
}
