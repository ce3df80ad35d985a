import type { Override } from "../clinical/reading.ts";
import type { Health } from "../rt/health.ts";
import type { Screen, Station } from "../rt/station.ts";
import type { Change } from "../rt/ward.ts";
import { FlashLayers } from "./flash.ts";
import { grid } from "./layout.ts";
import { Tile } from "./tile.ts";

/** Tiles written in one frame: 800 numbers at once are 22 ms of layout, in slices 5 ms (ui.md §4.6). */
const SLICE = 20;
/** Between tiles, in px; the same in wall.css. */
const GAP = 8;

const BY_NAME = new Intl.Collator("en", { numeric: true });

/** The tiles of all devices, each in its place for good: sorted by name, never by alarm. */
export class Wall implements Screen {
  readonly #tiles = new Map<string, Tile>();
  readonly #list = document.createElement("ul");
  readonly #says = document.createElement("p");
  readonly #flash: FlashLayers;
  readonly #waiting = new Set<string>();
  #over: Override = "late";
  #flashing = "";

  constructor(
    private readonly host: HTMLElement,
    private readonly station: Station,
  ) {
    this.#list.className = "tiles";
    this.#says.className = "says";
    host.append(this.#says, this.#list);
    this.#flash = new FlashLayers(host);
    new ResizeObserver(() => this.#arrange()).observe(host);
  }

  change(change: Change): void {
    if (change.roster) this.#rebuild();
    if (change.snapshot || change.roster) {
      this.#paintAll(performance.now());
      return;
    }
    // An alarm is painted in the task that brought it; plain numbers share the frames.
    for (const { alarm } of change.steps) if (alarm.device) this.#paint(alarm.device, performance.now());
    for (const id of change.devices) this.#waiting.add(id);
    if (change.steps.length > 0) this.#placeFlash();
    else if (this.#waiting.size > 0) requestAnimationFrame(() => this.#slice());
  }

  look(now: number, health: Health): void {
    this.#over = health === "lost" || health === "off" ? "lost" : health === "live" ? "none" : "late";
    this.#paintAll(now);
    const empty = this.#tiles.size === 0;
    this.#says.hidden = !empty;
    if (empty) {
      this.#says.textContent =
        health === "live" ? "No devices enrolled. A device appears here once it is enrolled." : "Waiting for the ward…";
    }
  }

  #rebuild(): void {
    const ids = [...this.station.ward.devices.keys()].sort(BY_NAME.compare);
    for (const id of this.#tiles.keys()) if (!this.station.ward.devices.has(id)) this.#tiles.delete(id);
    const slots = ids.map((id) => {
      const tile = this.#tiles.get(id) ?? new Tile(id);
      this.#tiles.set(id, tile);
      if (tile.root.parentElement) return tile.root.parentElement;
      const slot = document.createElement("li");
      slot.append(tile.root);
      return slot;
    });
    // Reinserting unchanged nodes would take the focus away from them.
    if (slots.length !== this.#list.childElementCount || slots.some((s, i) => s !== this.#list.children[i])) {
      this.#list.replaceChildren(...slots);
    }
    this.#arrange();
  }

  #arrange(): void {
    const { columns, row } = grid(this.host.clientWidth, this.host.clientHeight, this.#tiles.size, GAP);
    this.#list.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    this.#list.style.gridAutoRows = `${row}px`;
    this.#flashing = "";
    this.#placeFlash();
  }

  #slice(): void {
    const now = performance.now();
    for (const id of [...this.#waiting].slice(0, SLICE)) {
      this.#paint(id, now);
      this.#waiting.delete(id);
    }
    if (this.#waiting.size > 0) requestAnimationFrame(() => this.#slice());
  }

  #paintAll(now: number): void {
    for (const id of this.#tiles.keys()) this.#paint(id, now);
    this.#waiting.clear();
    this.#placeFlash();
  }

  #paint(id: string, now: number): void {
    const { ward } = this.station;
    const device = ward.devices.get(id);
    if (!device) return;
    const readings = ward.numbers.get(id);
    this.#tiles.get(id)?.paint({ device, readings, alarms: ward.alarmsOf(id), now, over: this.#over });
  }

  #placeFlash(): void {
    const key = [...this.#tiles.values()].map((t) => t.priority && `${t.id} ${t.alarm.textContent}`).join("|");
    if (key === this.#flashing) return;
    this.#flashing = key;
    this.#flash.place(this.#tiles.values());
  }
}
