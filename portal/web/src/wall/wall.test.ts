import { beforeEach, expect, it } from "vitest";
import type { LiveDevice, LiveNumber } from "../api/types.gen.ts";
import { Ward } from "../rt/ward.ts";
import { alarm, device, latest, number } from "../testing/made.ts";
import { grid } from "./layout.ts";
import { Tile } from "./tile.ts";

let ward: Ward;

beforeEach(() => {
  ward = new Ward();
});

function tile(
  bed: LiveDevice,
  values: Record<string, LiveNumber>,
  now: number,
  over: "none" | "late" | "lost" = "none",
) {
  ward.apply({ type: "numbers", numbers: [latest(bed.id, values)] }, 0, 0);
  const made = new Tile(bed.id);
  made.paint({ device: bed, readings: ward.numbers.get(bed.id), alarms: ward.alarmsOf(bed.id), now, over });
  return made.root;
}

const text = (root: HTMLElement, selector: string) => root.querySelector(selector)?.textContent;
const value = (root: HTMLElement, group: string) => text(root, `[data-testid="value-bed-12-${group}"]`);

it("shows a device's numbers in their places, heard or not", () => {
  const root = tile(device("bed-12"), { hr: number(72), nibp_sys: number(121), nibp_dia: number(78) }, 500);
  expect([value(root, "hr"), value(root, "spo2"), value(root, "nibp")]).toEqual(["72", "- - -", "121/78"]);
  expect(root.dataset.alarm).toBe("");
});

it("names whom a device is on as the server lets it, and nobody once names are hidden", () => {
  const patient = { id: "p-1", label: "Brook, Ada" };
  ward.showNames();
  ward.apply({ type: "roster", devices: [device("bed-12", { patient })] }, 0, 0);
  const shown = () => tile(ward.devices.get("bed-12") ?? device("bed-12"), { hr: number(72) }, 0);
  expect(text(shown(), ".patient")).toBe("Brook, Ada");
  ward.hideNames();
  const root = shown();
  expect([text(root, ".patient"), text(root, ".name"), value(root, "hr")]).toEqual(["", "bed-12", "72"]);
});

it("turns to the most urgent alarm and names how many more there are", () => {
  const raise = (seq: number, id: string, over: object) =>
    ward.apply({ type: "alarm", epoch: 1, seq, what: "raised", alarm: alarm(id, over) }, 0, 0);
  raise(1, "a", { priority: "medium", text: "SpO2 88 < 90", parameter: "spo2" });
  raise(2, "b", {});
  const root = tile(device("bed-12"), { hr: number(134) }, 0);
  expect(root.dataset.alarm).toBe("high");
  expect(text(root, ".alarm-line")).toBe("*** HR 134 > 120 +1");
  expect(root.querySelector<HTMLElement>('[data-group="hr"]')?.dataset.alarm).toBe("high");
  expect(root.querySelector<HTMLElement>('[data-group="spo2"]')?.dataset.alarm).toBe("medium");
});

it("shows neither numbers nor alarms over a lost link", () => {
  ward.apply({ type: "alarm", epoch: 1, seq: 1, what: "raised", alarm: alarm("a") }, 0, 0);
  const root = tile(device("bed-12"), { hr: number(134), spo2: number(97) }, 0, "lost");
  expect([value(root, "hr"), value(root, "spo2")]).toEqual(["-?-", "-?-"]);
  expect(root.dataset.state).toBe("lost");
  expect(root.textContent?.replace("bed-12", "")).not.toMatch(/\d/);
});

it("says NO SIGNAL for a device that is away or was never heard, and marks simulation", () => {
  const away = tile(device("bed-12", { connected: false }), { hr: number(72) }, 500);
  expect(text(away, ".chips")).toBe("NO SIGNAL");
  expect(away.querySelector<HTMLElement>('[data-group="hr"]')?.dataset.tone).toBe("grey");
  expect(text(tile(device("bed-13", { realm: "demo" }), { hr: number(72) }, 0), ".chips")).toBe("SIM");
});

it("names a clock that is more than two seconds off", () => {
  ward.apply({ type: "numbers", numbers: [latest("bed-12", { hr: number(72) }, -5_000)] }, 0, 0);
  const made = new Tile("bed-12");
  const readings = ward.numbers.get("bed-12");
  made.paint({ device: device("bed-12"), readings, alarms: [], now: 0, over: "none" });
  expect(text(made.root, ".chips")).toBe("CLOCK +5 s");
});

it("keeps a home device's rare numbers for an hour with their time", () => {
  const root = tile(device("bed-12", { profile: "home" }), { hr: number(72, 120_000) }, 0);
  expect(value(root, "hr")).toBe("72");
  expect(text(root, '[data-group="hr"] .note')).toMatch(/^\d\d:\d\d$/);
});

it("fits twelve beds on one screen and scrolls what would be too small to read", () => {
  expect(grid(1900, 860, 12, 8).columns).toBe(4);
  expect(grid(1900, 860, 12, 8).row * 3).toBeLessThanOrEqual(860);
  expect(grid(1900, 860, 200, 8)).toEqual({ columns: 6, row: 175 });
  expect(grid(400, 700, 12, 8).columns).toBe(1);
});
