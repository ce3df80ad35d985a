import { expect, it } from "vitest";
import { LinkHealth } from "./health.ts";

function live(): LinkHealth {
  const health = new LinkHealth(0);
  health.opened();
  health.heard(0);
  health.painted();
  return health;
}

/** Looks each quarter second on clocks that agree. */
function pass(health: LinkHealth, from: number, to: number): void {
  for (let t = from; t <= to; t += 250) health.look(t, t + 1_000_000);
}

it("doubts the link 3 s after the last proof of life and gives it up at 4 s", () => {
  const health = live();
  expect(health.state(2_999)).toBe("live");
  expect(health.state(3_000)).toBe("reconnecting");
  expect(health.state(3_999)).toBe("reconnecting");
  expect(health.state(4_000)).toBe("lost");
});

it("does not come back from lost by a heartbeat, only by a painted snapshot", () => {
  const health = live();
  pass(health, 0, 5_000);
  health.heard(5_100);
  expect(health.state(5_200)).toBe("lost");
  health.opened();
  health.painted();
  expect(health.state(5_300)).toBe("live");
});

it("ignores the paint of a connection that has closed meanwhile", () => {
  const health = live();
  pass(health, 0, 5_000);
  health.closed();
  health.painted();
  health.heard(5_100);
  expect(health.state(5_200)).toBe("lost");
});

it("says RECONNECTING at once when the socket closes, and connecting before it was ever live", () => {
  const health = live();
  health.closed();
  expect(health.state(100)).toBe("reconnecting");
  const fresh = new LinkHealth(0);
  expect(fresh.state(100)).toBe("connecting");
  expect(fresh.state(4_000)).toBe("lost");
});

it("distrusts everything after the clocks jumped apart, as after sleep", () => {
  const health = live();
  expect(health.look(0, 1_000_000)).toBe(false);
  expect(health.look(250, 1_000_250 + 1_000)).toBe(false);
  expect(health.look(500, 1_001_500 + 1_001)).toBe(true);
  health.heard(500);
  expect(health.state(500)).toBe("lost");
});

it("distrusts what piled up while the page hung", () => {
  const health = live();
  health.look(0, 1_000_000);
  health.heard(3_100);
  expect(health.look(3_001, 1_003_001)).toBe(true);
  expect(health.state(3_100)).toBe("lost");
});
