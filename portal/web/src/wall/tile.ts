import { FIXED } from "../clinical/parameters.ts";
import { setData, setText, span } from "./text.ts";
import { type GroupView, type TileInput, tileView } from "./tileView.ts";

interface Cell {
  root: HTMLElement;
  value: HTMLElement;
  note: HTMLElement;
}

/** One device's place on the wall. Built once, then only written to. */
export class Tile {
  readonly root: HTMLAnchorElement;
  /** Where the alarm stands, for the flash layer to lie upon. */
  readonly alarm: HTMLElement;
  readonly #patient: HTMLElement;
  readonly #spoken: HTMLElement;
  readonly #chips: HTMLElement;
  readonly #main: HTMLElement;
  readonly #extra: HTMLElement;
  readonly #cells = new Map<string, Cell>();
  #priority = "";

  constructor(readonly id: string) {
    this.root = document.createElement("a");
    this.root.className = "tile";
    this.root.href = `/devices/${encodeURIComponent(id)}`;
    this.root.dataset.route = "";
    this.root.dataset.testid = `tile-${id}`;
    const head = span("head", this.root);
    span("name", head).textContent = id;
    this.#patient = span("patient", head);
    this.#patient.dataset.testid = `patient-${id}`;
    this.#chips = span("chips", head);
    this.#spoken = span("unseen", this.root);
    this.alarm = span("alarm-line", this.root);
    this.#main = span("cells", this.root);
    this.#extra = span("extra", this.root);
  }

  get priority(): string {
    return this.#priority;
  }

  paint(input: TileInput): void {
    const view = tileView(input);
    this.#priority = view.priority;
    setData(this.root, "alarm", view.priority);
    setData(this.root, "state", input.over === "lost" ? "lost" : view.silent ? "silent" : "ok");
    setText(this.#patient, view.patient);
    setText(this.#spoken, view.priority && `${view.priority} alarm`);
    setText(this.alarm, view.alarm);
    this.#paintChips(view.chips);
    for (const group of view.groups) this.#paintCell(group);
    this.#extra.hidden = this.#extra.childElementCount === 0;
  }

  #paintChips(chips: string[]): void {
    const key = chips.join("|");
    if (this.#chips.dataset.key === key) return;
    this.#chips.dataset.key = key;
    this.#chips.replaceChildren(
      ...chips.map((text) => {
        const chip = document.createElement("span");
        chip.className = `chip ${text.split(" ")[0]?.toLowerCase() ?? ""}`;
        chip.textContent = text;
        return chip;
      }),
    );
  }

  #paintCell({ group, view, alarm }: GroupView): void {
    const cell = this.#cells.get(group.key) ?? this.#build(group.key, group.label, group.unit);
    setText(cell.value, view.text);
    setText(cell.note, view.note);
    setData(cell.root, "tone", view.tone);
    setData(cell.root, "alarm", alarm);
  }

  #build(key: string, label: string, unit: string): Cell {
    const root = span("cell", FIXED.has(key) ? this.#main : this.#extra);
    root.dataset.group = key;
    const caption = span("caption", root);
    span("label", caption).textContent = label;
    span("unit", caption).textContent = unit;
    const value = span("value", root);
    value.dataset.testid = `value-${this.id}-${key}`;
    const cell = { root, value, note: span("note", root) };
    this.#cells.set(key, cell);
    return cell;
  }
}
