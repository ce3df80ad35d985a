// Every page of who, walked by keyboard alone on the made-up ward, with axe on each page and in each of its states: what a
// real server does not do on demand. What it does is walked in real.mjs. A word after the command chooses walks.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";
import { SHOTS } from "./keys.mjs";
import { startMock } from "./mock.mjs";
import { walk } from "./walk.mjs";
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
for (const [name, work] of wanted) {
  const mock = await startMock({ beds: 3 });
  failed += (await walk(browser, mock.url, name, work, { mock })) ? 0 : 1;
  await mock.stop();
}
await browser.close();
console.log(failed === 0 ? "walks passed" : `${failed} of ${wanted.length} walks failed`);
process.exitCode = failed === 0 ? 0 : 1;
