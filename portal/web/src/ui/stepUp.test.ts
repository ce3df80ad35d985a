import { expect, it } from "vitest";
import { Refused } from "../api/refused.ts";
import { StepUp } from "./stepUp.ts";

function grave(): { work: () => Promise<string>; tries: () => number } {
  let tries = 0;
  const work = async () => {
    tries += 1;
    if (tries === 1) throw new Refused(403, "step_up_needed", "give a code");
    return "done";
  };
  return { work, tries: () => tries };
}

it("asks for a code where the server wants one, then does it again", async () => {
  const stepUp = new StepUp();
  const { work, tries } = grave();
  const done = stepUp.before(work);
  await Promise.resolve();
  await Promise.resolve();
  expect([stepUp.shown(), tries()]).toEqual([true, 1]);
  stepUp.confirmed();
  expect(await done).toBe("done");
  expect([stepUp.shown(), tries()]).toEqual([false, 2]);
});

it("does nothing twice that was not confirmed", async () => {
  const stepUp = new StepUp();
  const { work, tries } = grave();
  const done = stepUp.before(work).catch((error) => error);
  await Promise.resolve();
  await Promise.resolve();
  stepUp.cancelled();
  expect(await done).toMatchObject({ code: "not_confirmed" });
  expect(tries()).toBe(1);
});

it("asks once for all that wait, and not for what was refused for another reason", async () => {
  const stepUp = new StepUp();
  let told = 0;
  stepUp.subscribe(() => {
    told += 1;
  });
  const both = Promise.all([stepUp.before(grave().work), stepUp.before(grave().work)]);
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toBe(1);
  stepUp.confirmed();
  expect(await both).toEqual(["done", "done"]);
  const other = stepUp.before(() => Promise.reject(new Refused(409, "own_grants", "no")));
  await expect(other).rejects.toMatchObject({ code: "own_grants" });
  expect(stepUp.shown()).toBe(false);
});
