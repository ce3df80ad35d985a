import assert from "node:assert/strict";
import { PASSWORD } from "../staff.mjs";

/** Whoever guesses waits from the fifth wrong one on; a slow machine's first waits may be over before the next try. */
const GUESSES = 12;

export const signIn = {
  async "signing in with two factors"({ staff, screen }) {
    const lee = await staff.hire("lee", "Ann Lee", "nurse");
    const me = await screen();
    await me.open("/");
    await me.at("/sign-in");
    await me.heading("Sign in");
    await me.says("No alarms are shown on this screen.");
    await me.clean("real sign-in");
    await me.fill("User name", "lee");
    await me.fill("Password", "not her password");
    await me.key("Enter");
    await me.says("The user name or the password is wrong.");
    await me.clean("real sign-in refused");
    await me.fill("Password", PASSWORD);
    await me.key("Enter");

    await me.heading("Second factor");
    await me.clean("real second factor");
    await me.fill("Code of your authenticator", lee.phone.wrong());
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.clean("real second factor refused");
    const code = await lee.phone.code();
    await me.fill("Code of your authenticator", code);
    await me.key("Enter");

    await me.at("/");
    await me.says("Ann Lee");
    await me.says("NO ALARMS HERE AFTER SIGN-OUT");
    await me.live();
    await me.clean("the real ward, signed in");
    await me.press("button", "Sign out");
    await me.at("/sign-in");
    await me.says("No alarms are shown on this screen.");
    assert.equal(await me.page.locator(".tile").count(), 0);

    await me.signInHalf("lee", PASSWORD);
    await me.fill("Code of your authenticator", code);
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    for (const [given, taken] of [
      [lee.codes[2], true],
      [lee.codes[2], false],
    ]) {
      await me.press("button", "Use a recovery code");
      await me.fill("Recovery code", given);
      await me.key("Enter");
      if (!taken) break;
      await me.at("/");
      await me.press("button", "Sign out");
      await me.at("/sign-in");
      await me.signInHalf("lee", PASSWORD);
    }
    await me.says("The code is wrong or was used before.");
    await me.press("button", "Somebody else");
    await me.heading("Sign in");
  },

  async "whoever guesses waits and keeps nobody out"({ staff, screen }) {
    const poe = await staff.hire("poe", "Ed Poe", "nurse");
    const stranger = await screen();
    await stranger.open("/sign-in");
    let status = 0;
    for (let guess = 0; status !== 429 && guess < GUESSES; guess += 1) {
      await stranger.fill("User name", "nobody.at.all");
      await stranger.fill("Password", `guess number ${guess}`);
      const [answer] = await Promise.all([
        stranger.page.waitForResponse((response) => response.url().endsWith("/api/session")),
        stranger.key("Enter"),
      ]);
      status = answer.status();
    }
    assert.equal(status, 429);
    await stranger.says(/Too many tries\. Wait \d+ s, then try again\./);
    await stranger.clean("real throttling");
    await stranger.signIn("poe", poe);
    await stranger.at("/");
  },
};
