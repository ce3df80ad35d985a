import type { Tile } from "./tile.ts";

const FLASHING = ["high", "medium"] as const;

/**
 * One layer a priority lies over the wall and carries a frame and a lit alarm line for each alarming tile. Only the
 * layer is animated, so two hundred alarms cost one compositor animation and flash in phase (ui.md §4.6).
 */
export class FlashLayers {
  readonly #layers = new Map<string, HTMLElement>();

  constructor(private readonly wall: HTMLElement) {
    for (const priority of FLASHING) {
      const layer = document.createElement("div");
      layer.className = `flash ${priority}`;
      layer.ariaHidden = "true";
      wall.append(layer);
      this.#layers.set(priority, layer);
      inPhase(layer);
    }
  }

  /** Lays the frames anew; called when an alarm begins or ends or the grid changes, not with every number. */
  place(tiles: Iterable<Tile>): void {
    const seen = this.wall.getBoundingClientRect();
    const origin = { left: seen.left - this.wall.scrollLeft, top: seen.top - this.wall.scrollTop };
    const frames = new Map<string, HTMLElement[]>(FLASHING.map((p) => [p, []]));
    for (const tile of tiles) {
      const list = frames.get(tile.priority);
      if (!list) continue;
      const frame = box("frame", tile.root, origin);
      const line = box("lit", tile.alarm, origin);
      line.textContent = tile.alarm.textContent;
      line.style.fontSize = getComputedStyle(tile.alarm).fontSize;
      list.push(frame, line);
    }
    for (const [priority, list] of frames) this.#layers.get(priority)?.replaceChildren(...list);
  }
}

function box(className: string, over: HTMLElement, origin: { left: number; top: number }): HTMLElement {
  const rect = over.getBoundingClientRect();
  const node = document.createElement("div");
  node.className = className;
  node.style.cssText = `left:${rect.left - origin.left}px;top:${rect.top - origin.top}px;width:${rect.width}px;height:${rect.height}px`;
  return node;
}

/** All that flashes starts at the same moment of the document's timeline. */
export function inPhase(node: HTMLElement): void {
  for (const animation of node.getAnimations()) animation.startTime = 0;
}
