// Every page of who, walked by keyboard alone on the real server, with axe on each.
import assert from "node:assert/strict";
import { account } from "./real/account.mjs";
import { audit } from "./real/audit.mjs";
import { breakGlass } from "./real/breakGlass.mjs";
import { grants } from "./real/grants.mjs";
import { locking } from "./real/locking.mjs";
import { names } from "./real/names.mjs";
import { opening } from "./real/opening.mjs";
import { signIn } from "./real/signIn.mjs";
import { stations } from "./real/stations.mjs";
import { Staff } from "./staff.mjs";
import { walk } from "./walk.mjs";
import { seeded } from "./ward.mjs";

const WALKS = { ...signIn, ...locking, ...account, ...grants, ...stations, ...names, ...breakGlass, ...audit };

/** `word` chooses walks, `wall` none; those that make the administrators come before any. */
export async function walkReal(browser, vigil, word) {
  const around = { browser, vigil, staff: new Staff(vigil.url) };
  for (const [name, work] of Object.entries(opening)) {
    assert.ok(await walk(browser, vigil.url, name, work, around), "the administrators could not come in");
  }
  around.ward = seeded(await vigil.run("demo", "seed"));
  const wanted = Object.entries(WALKS).filter(([name]) => name.includes(word));
  assert.ok(wanted.length > 0 || word === "wall", "no walk has that name");
  let failed = 0;
  for (const [name, work] of wanted) {
    for (const screen of [around.staff.first, around.staff.second]) await around.staff.stepUp(screen);
    failed += (await walk(browser, vigil.url, name, work, around)) ? 0 : 1;
  }
  for (const { page, thrown } of [around.staff.first, around.staff.second]) {
    assert.deepEqual(thrown, []);
    await page.context().close();
  }
  assert.equal(failed, 0, `${failed} of ${wanted.length} walks failed`);
}
