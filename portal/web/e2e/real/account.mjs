import assert from "node:assert/strict";
import { Phone } from "../phone.mjs";
import { PASSWORD } from "../staff.mjs";

const ANOTHER = /^End: another screen/;
/** Where no socket tells of it, a screen asks each minute: within this time only a socket can have told. */
const TOLD_MS = 5_000;

export const account = {
  async "my sessions: another's end reaches its open socket"({ staff, screen }) {
    const may = await staff.hire("may", "Mia May", "nurse");
    const [me, elsewhere] = [await screen(), await screen()];
    await elsewhere.open("/");
    await elsewhere.signIn("may", may);
    await elsewhere.live();
    await me.open("/me");
    await me.signIn("may", may);
    await me.page.getByRole("button", { name: ANOTHER }).waitFor();
    await me.says(/this screen, 127\.0\.0\.1/);
    await me.clean("my real sessions");
    await me.press("button", ANOTHER);
    await elsewhere.at("/sign-in", TOLD_MS);
    assert.equal(await elsewhere.page.locator(".tile").count(), 0);
    await me.says("You are signed in nowhere else.");
  },

  async "my factors, each after a fresh code"({ staff, screen }) {
    const fox = await staff.hire("fox", "Flo Fox", "scheduler");
    const me = await screen();
    await me.open("/me");
    await me.signIn("fox", fox);
    await me.fill("New PIN", "123456");
    await me.key("Enter");
    await me.page.getByRole("dialog", { name: "Is it you?" }).waitFor();
    await me.clean("real step-up");
    await me.fill("Code of your authenticator", fox.phone.wrong());
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.fill("Code of your authenticator", await fox.phone.code());
    await me.key("Enter");
    await me.page.getByRole("alert").getByText("Not changed").waitFor();
    await me.clean("a real PIN refused");
    await me.fill("New PIN", "975310");
    await me.key("Enter");
    await me.says("The PIN is set.");

    await me.press("button", "Make new recovery codes");
    await me.heading("Your new recovery codes");
    const codes = await me.page.locator(".secret code").allTextContents();
    assert.equal(codes.length, 10);
    assert.ok(!codes.includes(fox.codes[0]));
    await me.clean("new real recovery codes");
    await me.press("button", "I have kept them");

    await me.fill("New password", "passwordpassword");
    await me.key("Enter");
    await me.page.getByRole("alert").getByText("Not changed").waitFor();
    await me.fill("New password", "eight herons by the lock");
    await me.key("Enter");
    await me.says("The password is changed.");

    await me.press("button", "Change the authenticator");
    await me.heading("Set up your authenticator");
    await me.page.getByRole("img", { name: "QR code of the key below" }).waitFor();
    await me.clean("a new real authenticator");
    const phone = new Phone(await me.page.getByTestId("secret").textContent());
    await me.fill("The code that it shows now", phone.wrong());
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.fill("The code that it shows now", await phone.code());
    await me.key("Enter");
    await me.says("The new authenticator holds from now on.");
    await me.clean("my real account");

    await me.press("button", "Sign out");
    await me.signInHalf("fox", PASSWORD);
    await me.says("The user name or the password is wrong.");
    await me.signIn("fox", { password: "eight herons by the lock", phone });
    await me.at("/me");
  },
};
