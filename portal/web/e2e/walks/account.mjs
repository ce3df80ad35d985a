import assert from "node:assert/strict";
import { CODE, PASSWORD } from "../identity.mjs";

const LEE = { password: PASSWORD, code: CODE };

export const account = {
  async "my sessions"({ screen }) {
    const [me, elsewhere, third] = [await screen(), await screen(), await screen()];
    for (const one of [me, elsewhere, third]) {
      await one.open("/me");
      await one.signIn("lee", LEE);
    }
    await me.open("/me");
    await me.page
      .getByRole("button", { name: /^End: another screen/ })
      .nth(1)
      .waitFor();
    await me.clean("my account");
    assert.equal(await me.page.getByRole("button", { name: /^End: another screen/ }).count(), 2);
    await me.press("button", /^End: another screen/);
    await me.page
      .getByRole("button", { name: /^End: another screen/ })
      .nth(1)
      .waitFor({ state: "detached" });
    await me.press("button", "End all others");
    await me.says("You are signed in nowhere else.");
    // The ended screens notice at their next question at the latest.
    await third.open("/me");
    await third.at("/sign-in");
  },

  async "my factors, each after a fresh code"({ screen }) {
    const me = await screen();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.fill("New password", "passwordpassword");
    await me.key("Enter");
    const dialog = me.page.getByRole("dialog", { name: "Is it you?" });
    await dialog.waitFor();
    await me.clean("step-up");
    await me.key("Escape");
    await dialog.waitFor({ state: "detached" });
    await me.says("Nothing was changed, because you did not confirm that it is you.");
    await me.clean("step-up refused");

    await me.press("button", "Change the password");
    await me.fill("Code of your authenticator", "999999");
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.fill("Code of your authenticator", CODE);
    await me.key("Enter");
    await me.says("this password is one of the most used");
    await me.fill("New password", "a much longer password");
    await me.key("Enter");
    await me.says("The password is changed.");

    await me.fill("New PIN", "123456");
    await me.key("Enter");
    await me.says("a PIN that many have");
    await me.fill("New PIN", "975310");
    await me.key("Enter");
    await me.says("The PIN is set.");

    await me.press("button", "Change the authenticator");
    await me.clean("a new authenticator");
    await me.fill("The code that it shows now", CODE);
    await me.key("Enter");
    await me.says("The new authenticator holds from now on.");

    await me.press("button", "Make new recovery codes");
    await me.heading("Your new recovery codes");
    await me.clean("new recovery codes");
    await me.press("button", "I have kept them");
    await me.says("Ten codes, each good once");
    assert.equal(await me.page.locator(".secret code").count(), 0);
  },

  async "alarms are seen and heard over the question whether it is you"({ mock, screen }) {
    const me = await screen();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.fill("New PIN", "975310");
    await me.key("Enter");
    await me.page.getByRole("dialog").waitFor();
    const { alarm } = await import("../mock.mjs");
    mock.step("raised", alarm("bed-01"));
    await me.page.getByTestId("banner").getByText("HR 134 > 120").waitFor();
    await me.page.waitForFunction(() => document.getElementById("say-high").textContent.includes("bed-01"));
    const silenced = await me.page.evaluate(() => document.getElementById("say-high").closest("[inert]") !== null);
    assert.equal(silenced, false);
  },
};
