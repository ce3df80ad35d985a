import { expect, it } from "vitest";
import type { SessionView } from "../api/types.gen.ts";
import { NOON_ISH } from "../testing/made.ts";
import { STATION, signedIn } from "../testing/session.ts";
import { asOf, NOBODY, SessionWatch } from "./session.ts";

const MINUTE = 60_000;

it("locks and ends by the clock, though no answer says so", () => {
  const said = signedIn({ station: STATION });
  expect(asOf(said, NOON_ISH + 5 * MINUTE - 1)).toBe(said);
  expect(asOf(said, NOON_ISH + 5 * MINUTE)).toMatchObject({ state: "locked", permissions: [] });
  // The user ends, the station does not.
  expect(asOf(said, NOON_ISH + 15 * MINUTE)).toEqual({ ...NOBODY, station: STATION });
  expect(asOf({ ...said, state: "half", locks_at: null }, NOON_ISH + 6 * MINUTE).state).toBe("half");
});

it("stays locked while the server cannot be asked", async () => {
  let now = NOON_ISH;
  const watch = new SessionWatch(
    () => now,
    () => Promise.reject(new Error("away")),
  );
  watch.hear(signedIn());
  now += 5 * MINUTE;
  watch.look();
  await watch.refresh();
  expect(watch.shown()?.state).toBe("locked");
  now += 10 * MINUTE;
  watch.look();
  expect(watch.shown()?.state).toBe("none");
});

it("tells of what changed, and of nothing else", () => {
  const watch = new SessionWatch(() => NOON_ISH);
  const heard: (string | undefined)[] = [];
  watch.subscribe(() => heard.push(watch.shown()?.state));
  watch.hear(signedIn());
  const shown = watch.shown();
  watch.hear(signedIn());
  watch.look();
  expect(watch.shown()).toBe(shown);
  watch.hear(NOBODY);
  expect(heard).toEqual(["open", "none"]);
  expect(watch.may("read_vitals")).toBe(false);
});

it("asks the server one question at a time", async () => {
  const waiting: ((said: SessionView) => void)[] = [];
  const watch = new SessionWatch(
    () => NOON_ISH,
    () => new Promise((done) => waiting.push(done)),
  );
  const both = Promise.all([watch.refresh(), watch.refresh()]);
  expect(waiting.length).toBe(1);
  waiting[0]?.(signedIn());
  await both;
  expect(watch.shown()?.state).toBe("open");
});
