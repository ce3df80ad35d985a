import { beforeEach, expect, it } from "vitest";
import html from "../../index.html?raw";
import type { Alarm, Priority } from "../api/types.gen.ts";
import type { Health } from "../rt/health.ts";
import { Station } from "../rt/station.ts";
import type { Change } from "../rt/ward.ts";
import { alarm, device } from "../testing/made.ts";
import { AlarmBanner } from "./alarmBanner.ts";
import { Announcer } from "./announcer.ts";
import { element } from "./element.ts";
import { LinkLost } from "./linkLost.ts";
import { StatusBar } from "./statusBar.ts";

let station: Station;
let seq = 0;

beforeEach(() => {
  document.body.innerHTML = /<body>([\s\S]*)<\/body>/.exec(html)?.[1] ?? "";
  station = new Station("ws://ward/live");
  seq = 0;
});

function raise(id: string, over: Partial<Alarm> = {}): Change {
  seq += 1;
  return station.ward.apply({ type: "alarm", epoch: 1, seq, what: "raised", alarm: alarm(id, over) }, 0, 0);
}

function banner(health: Health): { rows: (string | null)[]; says: string | null | undefined } {
  new AlarmBanner().look(performance.now(), health, station);
  const host = element("banner");
  return {
    rows: [...host.querySelectorAll(".row .who")].map((node) => node.textContent),
    says: host.querySelector(".says")?.textContent,
  };
}

it("shows five alarms, most urgent first, and counts the rest", () => {
  const priorities: Priority[] = ["low", "low", "medium", "high", "medium", "low", "high"];
  for (const [i, priority] of priorities.entries()) raise(`a${i}`, { priority, device: `bed-${i}` });
  expect(banner("live")).toEqual({ rows: ["bed-3", "bed-6", "bed-2", "bed-4", "bed-0"], says: "+ 2 more" });
});

it("says that there is no alarm only while it can know", () => {
  expect(banner("live").says).toBe("No active alarms");
  element("banner").replaceChildren();
  expect(banner("connecting").says).toBe("Alarms not known yet");
  element("banner").replaceChildren();
  station.heardMs = Date.UTC(2026, 10, 23, 10, 42, 7);
  raise("a");
  expect(banner("lost")).toEqual({ rows: ["bed-12"], says: "Alarms when last heard at 10:42:07. Not live." });
});

it("says nothing of alarms on a screen that shows none, and what a station misses", () => {
  station.heardMs = Date.UTC(2026, 10, 23, 10, 42, 7);
  expect(banner("off").says).toBe("No alarms are shown on this screen.");
  const [lost, status] = [new LinkLost(), new StatusBar()];
  lost.look(0, "off", station);
  status.look(0, "off", station);
  expect([element("lost").hidden, element("counts").hidden]).toEqual([true, true]);
  expect(element("link-state").textContent).toBe("NO LIVE VIEW");
  station.missed = "STATION SIGNED OUT, NO ALARMS HERE";
  lost.look(0, "off", station);
  expect(element("lost").textContent).toBe("STATION SIGNED OUT, NO ALARMS HERE since 10:42:07. Use bedside monitors.");
  station.missed = "";
  station.replaced = true;
  lost.look(0, "lost", station);
  status.look(0, "lost", station);
  expect(element("lost").textContent).toContain("SHOWN ON ANOTHER SCREEN, NOT LIVE HERE since");
  expect(element("take-over").hidden).toBe(false);
});

it("announces HIGH at once, MEDIUM once in three seconds, LOW never", () => {
  const announcer = new Announcer();
  announcer.change(raise("low", { priority: "low" }));
  announcer.change(raise("m1", { priority: "medium", device: "bed-1" }));
  announcer.change(raise("m2", { priority: "medium", device: "bed-2" }));
  announcer.look(10_000);
  expect(element("say-medium").textContent).toBe("medium alarm, bed-1 HR 134 > 120, and 1 more");
  announcer.change(raise("m3", { priority: "medium", device: "bed-3" }));
  announcer.look(12_999);
  expect(element("say-medium").textContent).toContain("bed-1");
  announcer.look(13_000);
  expect(element("say-medium").textContent).toBe("medium alarm, bed-3 HR 134 > 120");
  announcer.change(raise("h", { device: "bed-4" }));
  expect(element("say-high").textContent).toBe("high alarm, bed-4 HR 134 > 120");
});

it("tells since when there is no connection, and takes counts and time away", () => {
  station.ward.apply({ type: "roster", devices: [device("bed-12")] }, 0, 0);
  station.heardMs = Date.UTC(2026, 10, 23, 10, 42, 7);
  raise("a");
  const [lost, status] = [new LinkLost(), new StatusBar()];
  lost.look(0, "live", station);
  status.look(0, "live", station);
  expect(element("lost").hidden).toBe(true);
  expect(element("counts").textContent).toBe("1 HIGH0 MED0 LOW");
  lost.look(0, "lost", station);
  status.look(0, "lost", station);
  expect(element("lost").hidden).toBe(false);
  expect(element("lost").textContent).toBe("NO CONNECTION since 10:42:07. Use bedside monitors.");
  expect(element("counts").textContent).toBe("? HIGH? MED? LOW");
  expect(element("server-time").textContent).toBe("--:--:--");
});
