// The browser test: every page of who on the real server, then a published reading, an alarm and a lost server on a wall.
// VIGIL_BIN names the binary and VIGIL_DATABASE_URL its database, which must be new; a word chooses walks. `--mock` runs
// the wall alone, on the made-up ward.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";
import { accessible, pixels, whileHung } from "./look.mjs";
import { startMockBackend } from "./mock.mjs";
import { walkReal } from "./real.mjs";
import { CALM, startVigil } from "./vigil.mjs";

const SHOTS = new URL("../../../target/e2e/", import.meta.url).pathname;
/** Onset delays, the roster's second and a slow machine. */
const ALARM_MS = 60_000;
/** Design P4. */
const LOST_MS = 5_000;

const RACING = { ...CALM, hr: 190 };

const stage = async (name, work) => {
  const began = performance.now();
  const note = await work();
  console.log(
    `  ok ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}${note ? `: ${note}` : ""}`,
  );
};

async function shot(browser, page, name) {
  const picture = await page.screenshot({ path: `${SHOTS}${name}.png` });
  const { inked } = await pixels(browser, picture);
  assert.ok(inked > 0.01, `${name} is a blank page`);
}

async function run(browser, vigil) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
  await vigil.enter(context);
  const page = await context.newPage();
  const thrown = [];
  page.on("pageerror", (error) => thrown.push(error.stack));
  const test = (id) => page.getByTestId(id);
  const says = (id, text) =>
    page.waitForFunction(
      ([testid, wanted]) => document.querySelector(`[data-testid="${testid}"]`)?.textContent === wanted,
      [id, text],
      { timeout: 20_000 },
    );

  try {
    await page.goto(vigil.url);
    await stage("the wall shows a published number", async () => {
      await says(`value-${vigil.bed}-hr`, "72");
      await says(`value-${vigil.bed}-nibp`, "121/78 (92)");
      assert.equal(await page.locator("#link-state").textContent(), "LIVE");
      await accessible(page, "the wall");
      await shot(browser, page, "wall");
    });
    await stage("a crossed limit turns the tile and the banner", async () => {
      vigil.measure(RACING);
      await page.locator(`[data-testid="tile-${vigil.bed}"]:not([data-alarm=""])`).waitFor({ timeout: ALARM_MS });
      const row = test("banner").locator(`[data-alarm]`, { hasText: vigil.bed }).first();
      await row.waitFor({ timeout: 5_000 });
      await says(`value-${vigil.bed}-hr`, "190");
      await accessible(page, "the wall in alarm");
      await shot(browser, page, "alarm");
      return (await row.textContent()).replaceAll(/\s+/g, " ");
    });
    await stage("the trend page opens from the keyboard, with the banner above it", async () => {
      await test(`tile-${vigil.bed}`).focus();
      await page.keyboard.press("Enter");
      await page.locator('[data-testid="chart-hr"] canvas').waitFor({ timeout: 20_000 });
      assert.ok(await test("banner").locator("[data-alarm]").first().isVisible());
      await accessible(page, "the trend page");
      await shot(browser, page, "trend");
      await page.goBack();
      await test(`tile-${vigil.bed}`).waitFor({ state: "visible" });
    });
    await stage("a hung page covers itself without a script running", async () => {
      const frame = await whileHung(page, 5_000);
      assert.ok(frame, "no frame came while the page hung");
      const { magenta } = await pixels(browser, frame);
      assert.ok(magenta > 0.8, `only ${magenta} of the screen says NOT LIVE`);
      await says(`value-${vigil.bed}-hr`, "190");
    });
    await stage("a dead server takes every number off the screen within 5 s", async () => {
      const began = performance.now();
      await vigil.kill();
      await test("link-lost").waitFor({ state: "visible", timeout: LOST_MS });
      const took = performance.now() - began;
      for (const text of await page.locator(".value").allTextContents()) assert.equal(text, "-?-");
      assert.match(
        await test("link-lost").textContent(),
        /^NO CONNECTION since \d\d:\d\d:\d\d\. Use bedside monitors\.$/,
      );
      await accessible(page, "the lost wall");
      await shot(browser, page, "lost");
      return `after ${(took / 1000).toFixed(2)} s`;
    });
    await stage("the wall comes back by itself once the server does", async () => {
      vigil.measure(CALM);
      await vigil.restart();
      await test("link-lost").waitFor({ state: "hidden", timeout: 20_000 });
      await says(`value-${vigil.bed}-hr`, "72");
    });
    assert.deepEqual(thrown, []);
  } catch (error) {
    await page.screenshot({ path: `${SHOTS}failed.png` }).catch(() => undefined);
    throw error;
  }
}

await mkdir(SHOTS, { recursive: true });
const mocked = process.argv.includes("--mock");
if (!mocked && !process.env.VIGIL_BIN) throw new Error("VIGIL_BIN must name the vigil binary (or pass --mock)");
const vigil = mocked ? await startMockBackend() : await startVigil(process.env.VIGIL_BIN);
const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox"] });
try {
  if (!mocked) await walkReal(browser, vigil, process.argv[2] ?? "");
  await run(browser, vigil);
  console.log("browser test passed");
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
  await vigil.close();
}
