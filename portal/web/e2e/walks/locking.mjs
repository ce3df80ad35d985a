import assert from "node:assert/strict";
import { CODE, PASSWORD } from "../identity.mjs";
import { alarm } from "../mock.mjs";

const LEE = { password: PASSWORD, code: CODE };

export const locking = {
  async "locking takes the page away and leaves the alarms"({ mock, screen }) {
    const me = await screen();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.at("/me");
    await me.page.locator('#link-state[data-health="live"]').waitFor();
    assert.equal(await me.page.locator("#wall").isVisible(), false);
    mock.step("raised", alarm("bed-02"));
    await me.fill("New PIN", "97531");
    await me.press("button", "Lock");
    await me.heading("Locked by Ann Lee");
    assert.equal(await me.page.locator("#page").isVisible(), false);
    await me.page.getByTestId("tile-bed-02").waitFor({ state: "visible" });
    await me.page.getByTestId("banner").getByText("HR 134 > 120").waitFor();
    assert.equal(await me.page.locator("#who-name").textContent(), "Locked");
    assert.equal(await me.page.locator("#rail").isVisible(), false);
    await me.clean("locked");
    mock.step("raised", alarm("bed-03", { code: "spo2_low", text: "SpO2 81 < 88" }));
    await me.page.getByTestId("banner").getByText("SpO2 81 < 88").waitFor();

    await me.fill("Password", "wrong");
    await me.key("Enter");
    await me.says("The user name or the password is wrong.");
    await me.clean("locked, refused");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.heading("My account");
    assert.equal(await me.page.getByLabel("New PIN").inputValue(), "97531", "a draft outlives the lock");
  },

  async "a screen that nobody touches locks by itself"({ mock, screen }) {
    const me = await screen();
    mock.identity.locksMs = 4_000;
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.says(/Locks in \d s/);
    await me.heading("Locked by Ann Lee");
    assert.equal(await me.page.locator("#page").isVisible(), false);
  },

  async "a screen locks though the server cannot be asked"({ mock, screen }) {
    const me = await screen();
    mock.identity.locksMs = 4_000;
    await me.open("/me");
    await me.signIn("lee", LEE);
    mock.trouble.fail("GET /api/session", 503, "database_away");
    await me.heading("Locked by Ann Lee");
  },

  async "only a person's input keeps a screen open"({ mock, screen }) {
    const me = await screen();
    await me.page.clock.install();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.heading("My account");
    const inputs = async () => {
      await me.page.clock.runFor(16_000);
      // An answer to a later question: what was told before has arrived.
      await me.page.evaluate(() => fetch("/api/session"));
      return mock.identity.inputs;
    };
    const before = await inputs();
    await me.page.evaluate(() => {
      for (const kind of ["keydown", "pointerdown", "wheel"]) document.body.dispatchEvent(new Event(kind));
    });
    assert.equal(await inputs(), before, "a script is no person");
    for (const key of ["Shift", "Tab", "Tab"]) await me.key(key);
    assert.equal(await inputs(), before + 2, "the first is told at once, the rest as one");
    assert.equal(await inputs(), before + 2, "nobody did anything");
  },

  async "a session that is ended elsewhere leaves the screen"({ mock, screen }) {
    const me = await screen();
    await me.open("/");
    await me.signIn("lee", LEE);
    await me.page.locator('#link-state[data-health="live"]').waitFor();
    const [session] = mock.identity.sessions.values();
    mock.identity.end(session);
    // Far sooner than the next report of input, which would be refused too.
    await me.at("/sign-in", 8_000);
    assert.equal(await me.page.locator(".tile").count(), 0);
  },
};
