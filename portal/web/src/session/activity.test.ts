import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Activity, byPerson, EVERY_MS } from "./activity.ts";
import { AGAIN_MS, EVERY_MS as DAY_MS, FIRST_MS, Renewal } from "./renewal.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("knows a person from a script and from a book on the keyboard", () => {
  expect(byPerson({ isTrusted: true, type: "keydown" })).toBe(true);
  expect(byPerson({ isTrusted: true, type: "pointerdown" })).toBe(true);
  expect(byPerson({ isTrusted: false, type: "pointerdown" })).toBe(false);
  expect(byPerson({ isTrusted: true, type: "keydown", repeat: true })).toBe(false);
});

it("tells of input at once, then at most every 15 s, and of the last one too", () => {
  const told: number[] = [];
  const activity = new Activity(() => told.push(performance.now()));
  const began = performance.now();
  for (let second = 0; second < 40; second += 1) {
    activity.input(performance.now());
    vi.advanceTimersByTime(1_000);
  }
  vi.advanceTimersByTime(10 * EVERY_MS);
  expect(told.map((at) => at - began)).toEqual([0, EVERY_MS, 2 * EVERY_MS, 3 * EVERY_MS]);
});

it("listens to presses, keys and the wheel, not to a pointer that moves", () => {
  const kinds: string[] = [];
  const target = { addEventListener: (kind: string) => kinds.push(kind) } as unknown as EventTarget;
  new Activity(() => undefined).watch(target);
  expect(kinds).toEqual(["pointerdown", "keydown", "wheel"]);
});

it("renews a station's token a minute after the start, then daily, and sooner after a failure", async () => {
  const asked: number[] = [];
  let fails = true;
  const renewal = new Renewal(async () => {
    asked.push(performance.now() - began);
    if (fails) throw new Error("away");
  });
  const began = performance.now();
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    renewal.look(performance.now());
    await vi.advanceTimersByTimeAsync(0);
  };
  await pass(2 * FIRST_MS);
  expect(asked).toEqual([]);
  renewal.allow(true);
  await pass(FIRST_MS - 1);
  await pass(1);
  expect(asked).toEqual([3 * FIRST_MS]);
  fails = false;
  await pass(AGAIN_MS);
  await pass(DAY_MS - 1);
  expect(asked.length).toBe(2);
  await pass(1);
  expect(asked.length).toBe(3);
  renewal.allow(false);
  await pass(DAY_MS);
  expect(asked.length).toBe(3);
});
