import { expect, it } from "vitest";
import { ServerClock } from "./clock.ts";

it("keeps the quickest message as the truth and measures how late the others are", () => {
  const clock = new ServerClock();
  clock.take(1_000_000, 100);
  clock.take(1_001_000, 1_080);
  expect(clock.lag).toBe(0);
  expect(clock.at(1_080)).toBe(1_001_000);
  clock.take(1_002_000, 5_080);
  expect(clock.lag).toBeGreaterThan(2_990);
});

it("lets a slow oscillator drift without calling it lag for ever", () => {
  const clock = new ServerClock();
  clock.take(1_000_000, 0);
  // This computer runs 100 ppm fast: a day later 8.6 s apart.
  for (let second = 1; second <= 86_400; second += 1) clock.take(1_000_000 + second * 1_000, second * 1_000.1);
  expect(clock.lag).toBeLessThan(1);
});

it("knows no time before it heard one, nor after a reset", () => {
  const clock = new ServerClock();
  expect(clock.at(5)).toBeNull();
  clock.take(1_000_000, 0);
  clock.reset();
  expect(clock.at(5)).toBeNull();
});
