import { timeOfDay } from "../clinical/times.ts";
import type { Health } from "../rt/health.ts";
import type { Screen, Station } from "../rt/station.ts";
import { setText } from "../wall/text.ts";
import { element } from "./element.ts";

/** The dead-man's animation fires after 3 s (bars.css); it is set back this often at most. */
const REARM_MS = 500;

/** The full-width banner of a lost link, and the marker on the page that takes the numbers' colours away. */
export class LinkLost implements Screen {
  readonly #lost = element("lost");

  change(): void {
    // Only time and a painted snapshot change the health of the link.
  }

  look(_now: number, health: Health, station: Station): void {
    const words = this.#words(health, station);
    const lost = words !== "";
    if (lost)
      setText(this.#lost, `${words} since ${timeOfDay(station.heardMs ?? station.openedMs)}. Use bedside monitors.`);
    if (this.#lost.hidden === lost) this.#lost.hidden = !lost;
    document.documentElement.dataset.health = health;
  }

  #words(health: Health, station: Station): string {
    if (health === "off") return station.missed;
    if (health !== "lost") return "";
    return station.replaced ? "SHOWN ON ANOTHER SCREEN, NOT LIVE HERE" : "NO CONNECTION";
  }
}

/**
 * A CSS animation that covers the screen unless it is set back in time. It runs in the compositor, so it fires even
 * while scripts hang. Must be added to the station last: a screen that throws before keeps it from being set back.
 */
export class DeadMan implements Screen {
  readonly #dead = element("dead");
  #rearmedAt = Number.NEGATIVE_INFINITY;

  change(): void {
    // A change proves nothing about what was painted.
  }

  /** Reached only when every screen before has painted this look, a lost link announced as lost included. */
  look(now: number): void {
    if (now - this.#rearmedAt < REARM_MS) return;
    this.#rearmedAt = now;
    for (const animation of this.#dead.getAnimations()) animation.currentTime = 0;
  }
}
