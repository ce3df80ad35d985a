// Every page of who, walked by keyboard alone on the made-up ward, with axe on each page and state.
// A word after the command chooses walks whose names hold it.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";
import { Keyboard, SHOTS } from "./keys.mjs";
import { startMock } from "./mock.mjs";
import { account } from "./walks/account.mjs";
import { administration } from "./walks/administration.mjs";
import { audit } from "./walks/audit.mjs";
import { breakGlass } from "./walks/breakGlass.mjs";
import { locking } from "./walks/locking.mjs";
import { signIn } from "./walks/signIn.mjs";
import { states } from "./walks/states.mjs";
import { stations } from "./walks/stations.mjs";

const WALKS = { ...signIn, ...locking, ...account, ...administration, ...stations, ...breakGlass, ...audit, ...states };

await mkdir(SHOTS, { recursive: true });
const wanted = Object.entries(WALKS).filter(([name]) => name.includes(process.argv[2] ?? ""));
assert.ok(wanted.length > 0, "no walk has that name");
const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox"] });
let failed = 0;
for (const [name, walk] of wanted) {
  const began = performance.now();
  const mock = await startMock({ beds: 3 });
  const screens = [];
  /** Another browser. */
  const screen = async () => {
    const context = await browser.newContext({ viewport: { width: 1366, height: 900 } });
    screens.push(new Keyboard(await context.newPage(), mock.url));
    return screens.at(-1);
  };
  try {
    await walk({ mock, screen });
    for (const { thrown } of screens) assert.deepEqual(thrown, []);
    console.log(`  ok ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`  FAILED  ${name}\n`, error);
    for (const [i, { page }] of screens.entries()) {
      await page.screenshot({ path: `${SHOTS}walk-failed-${i}.png` }).catch(() => undefined);
    }
  } finally {
    for (const { page } of screens) await page.context().close();
    await mock.stop();
  }
}
await browser.close();
console.log(failed === 0 ? "walks passed" : `${failed} of ${wanted.length} walks failed`);
process.exitCode = failed === 0 ? 0 : 1;
