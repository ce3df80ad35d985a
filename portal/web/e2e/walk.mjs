// One walk: its screens, what they threw, and how long it took.
import assert from "node:assert/strict";
import { Keyboard, SHOTS } from "./keys.mjs";

/** Whether it went well. `around` is handed to the walk, with a maker of screens: each is another browser. */
export async function walk(browser, url, name, work, around) {
  const began = performance.now();
  const screens = [];
  const screen = async () => {
    const context = await browser.newContext({ viewport: { width: 1366, height: 900 } });
    screens.push(new Keyboard(await context.newPage(), url));
    return screens.at(-1);
  };
  /** Leaves it open for the walks that follow. */
  const keep = (kept) => screens.splice(screens.indexOf(kept), 1);
  try {
    await work({ ...around, screen, keep });
    for (const { thrown } of screens) assert.deepEqual(thrown, []);
    console.log(`  ok ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}`);
    return true;
  } catch (error) {
    console.error(`  FAILED  ${name}\n`, error);
    for (const [i, { page }] of screens.entries()) {
      await page.screenshot({ path: `${SHOTS}walk-failed-${i}.png` }).catch(() => undefined);
    }
    return false;
  } finally {
    for (const { page } of screens) await page.context().close();
  }
}
