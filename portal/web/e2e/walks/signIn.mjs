import assert from "node:assert/strict";
import { CODE, PASSWORD, RECOVERY } from "../identity.mjs";

const LEE = { password: PASSWORD, code: CODE };

export const signIn = {
  async "signing in with two factors"({ screen }) {
    const me = await screen();
    await me.open("/");
    await me.at("/sign-in");
    await me.heading("Sign in");
    await me.says("No alarms are shown on this screen.");
    assert.equal(await me.page.locator("#no-alarms").isVisible(), false);
    await me.clean("sign-in");

    await me.fill("User name", "lee");
    await me.fill("Password", "wrong");
    await me.key("Enter");
    await me.says("The user name or the password is wrong.");
    await me.clean("sign-in refused");
    await me.fill("User name", "throttled");
    await me.press("button", "Continue");
    await me.says("Too many tries. Wait 42 s");
    await me.fill("User name", "lee");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");

    await me.heading("Second factor");
    await me.clean("second factor");
    await me.fill("Code of your authenticator", "000000");
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.clean("second factor refused");
    await me.fill("Code of your authenticator", CODE);
    await me.key("Enter");

    await me.at("/");
    await me.says("Ann Lee");
    await me.says("NO ALARMS HERE AFTER SIGN-OUT");
    await me.page.locator('#link-state[data-health="live"]').waitFor();
    await me.clean("the ward, signed in");
    await me.press("button", "Sign out");
    await me.at("/sign-in");
    await me.says("No alarms are shown on this screen.");
    // Nothing of the ward stays behind the form, not even where it cannot be seen.
    assert.equal(await me.page.locator(".tile").count(), 0);
  },

  async "signing in with a recovery code, to where one wanted to go"({ screen }) {
    const me = await screen();
    await me.open("/me");
    await me.at("/sign-in");
    await me.fill("User name", "lee");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.press("button", "Use a recovery code");
    await me.clean("recovery code");
    await me.fill("Recovery code", RECOVERY);
    await me.key("Enter");
    await me.at("/me");
    await me.heading("My account");
  },

  async "nothing of one person is left for the next"({ screen }) {
    const me = await screen();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.fill("New PIN", "97531");
    await me.press("button", "Sign out");
    await me.at("/sign-in");
    await me.signIn("privacy", LEE);
    await me.at("/reviews");
    await me.press("link", "My account");
    await me.says("Paul Privacy (privacy)");
    assert.equal(await me.page.getByLabel("New PIN").inputValue(), "");
    assert.equal(await me.page.getByText("Ann Lee").count(), 0);
  },

  async "nothing is left where another tab changed who is signed in"({ mock, screen }) {
    const me = await screen();
    await me.open("/me");
    await me.signIn("lee", LEE);
    await me.fill("New PIN", "97531");
    // As a tab finds it that slept while another signed out and in.
    const [session] = mock.identity.sessions.values();
    session.user = mock.identity.user("privacy");
    await me.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await me.says("Paul Privacy (privacy)");
    assert.equal(await me.page.getByLabel("New PIN").inputValue(), "");
  },

  async "somebody else signs in after half a sign-in"({ screen }) {
    const me = await screen();
    await me.open("/sign-in");
    await me.fill("User name", "lee");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");
    await me.press("button", "Somebody else");
    await me.heading("Sign in");
    await me.signIn("privacy", LEE);
    await me.at("/reviews");
    assert.deepEqual(await me.page.locator("#rail a").allTextContents(), ["Access reviews", "Audit", "My account"]);
    // Whom the ward is not for is shown none, and is not told that it is lost.
    assert.equal(await me.page.locator("#lost").isVisible(), false);
    await me.says("NO LIVE VIEW");
  },

  async "the first administrator, by the link"({ mock, screen }) {
    const me = await screen();
    await me.open(`/welcome#${mock.identity.link("first_administrator")}`);
    await me.says("This makes the first administrator.");
    await me.clean("welcome");
    await me.fill("Your name", "Fay First");
    await me.fill("User name", "lee");
    await me.fill("New password", "passwordpassword");
    await me.key("Enter");
    await me.says("this password is one of the most used");
    await me.fill("New password", PASSWORD);
    await me.key("Enter");
    await me.says("Somebody has this user name.");
    await me.clean("welcome refused");
    await me.fill("User name", "first");
    await me.key("Enter");

    await me.heading("Set up your authenticator");
    assert.equal(await me.page.getByTestId("secret").textContent(), "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP");
    await me.to("link", "open it in the app");
    await me.clean("authenticator");
    await me.fill("The code that it shows now", "111111");
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.fill("The code that it shows now", CODE);
    await me.key("Enter");

    await me.heading("Your recovery codes");
    assert.equal(await me.page.locator(".secret code").count(), 10);
    await me.clean("recovery codes");
    await me.press("button", "I have kept them: go on");
    await me.at("/admin/users");
    await me.says("Fay First");
    await me.page.goBack();
    assert.equal(await me.page.locator(".secret code").count(), 0, "the codes are shown once");
  },

  async "a link that is no good, and none"({ mock, screen }) {
    const me = await screen();
    await me.open("/welcome#never-made");
    await me.says("This link is not known, was used, or is too old.");
    await me.clean("unknown link");
    await me.open("/me");
    await me.at("/sign-in");
    await me.open("/welcome");
    await me.says("Open the link that you were given.");
    await me.clean("no link");
    // The next link in the same window.
    await me.open(`/welcome#${mock.identity.link("invitation", "nobody")}`);
    await me.says("This sets up the account nobody.");
  },
};
