import assert from "node:assert/strict";
import { PASSWORD } from "../staff.mjs";
import { CALM } from "../vigil.mjs";

export const locking = {
  async "locking takes the page away and leaves the numbers"({ vigil, staff, screen }) {
    const kay = await staff.hire("kay", "Kim Kay", "nurse");
    const me = await screen();
    await me.open("/me");
    await me.signIn("kay", kay);
    await me.at("/me");
    await me.live();
    await me.fill("New PIN", "97531");
    await me.press("button", "Lock");
    await me.heading("Locked by Kim Kay");
    assert.equal(await me.page.locator("#page").isVisible(), false);
    assert.equal(await me.page.locator("#rail").isVisible(), false);
    await me.page.getByTestId(`tile-${vigil.empty}`).waitFor({ state: "visible" });
    await me.clean("really locked");
    vigil.measure({ ...CALM, hr: 87 }, vigil.empty);
    await me.number(vigil.empty, "hr", "87");
    vigil.measure(CALM, vigil.empty);
    await me.live();

    // The server knows as well.
    const refused = await me.page.evaluate(async () => (await fetch("/api/sessions")).status);
    assert.equal(refused, 401);
    await me.page.reload();
    await me.heading("Locked by Kim Kay");
    await me.live();
    await me.page.getByTestId(`tile-${vigil.empty}`).waitFor({ state: "visible" });
    await me.fill("Password", "not hers");
    await me.key("Enter");
    await me.says("The user name or the password is wrong.");
    await me.clean("really locked, refused");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.heading("My account");
    await me.live();
  },

  async "a screen that nobody touches for five minutes locks, and the server with it"({ vigil, staff, screen }) {
    const ivy = await staff.hire("ivy", "Ivy Idle", "nurse");
    const me = await screen();
    await me.page.clock.install();
    await me.open("/me");
    await me.signIn("ivy", ivy);
    await me.heading("My account");
    await me.live();
    const asks = () => me.page.evaluate(async () => (await fetch("/api/sessions")).status);
    assert.equal(await asks(), 200);
    await vigil.untouched("ivy", 5);
    assert.equal(await asks(), 401, "the server has locked it, by its own clock");
    await me.page.clock.fastForward(5 * 60_000);
    await me.heading("Locked by Ivy Idle");
    assert.equal(await me.page.locator("#page").isVisible(), false);
    await me.page.getByTestId(`tile-${vigil.empty}`).waitFor({ state: "visible" });
    await me.live();
    await me.clean("really locked by itself");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.heading("My account");
    assert.equal(await asks(), 200);
  },

  async "a draft outlives a lock"({ staff, screen }) {
    const ray = await staff.hire("ray", "Rob Ray", "nurse");
    const me = await screen();
    await me.open("/me");
    await me.signIn("ray", ray);
    await me.fill("New PIN", "97531");
    await me.press("button", "Lock");
    await me.heading("Locked by Rob Ray");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.heading("My account");
    assert.equal(await me.page.getByLabel("New PIN").inputValue(), "97531");
  },
};
