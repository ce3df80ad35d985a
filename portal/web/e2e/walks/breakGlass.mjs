import assert from "node:assert/strict";
import { CODE, PASSWORD, PATIENT } from "../identity.mjs";

const WITH = { password: PASSWORD, code: CODE };

export const breakGlass = {
  async "opening a record in an emergency"({ screen }) {
    const me = await screen();
    await me.open("/break-glass");
    await me.signIn("lee", WITH);
    await me.heading("Emergency access");
    await me.clean("emergency access");
    await me.fill("Patient (identifier)", PATIENT.replace("bb", "cc"));
    await me.to("combobox", "Why");
    await me.page.keyboard.type("I cover");
    await me.fill("In your own words", "Dr Ray is in theatre.");
    await me.press("button", "Open the record");
    await me.fill("Code of your authenticator", CODE);
    await me.key("Enter");
    await me.says("This does not exist, or no longer.");
    assert.equal(await me.page.getByLabel("In your own words").inputValue(), "Dr Ray is in theatre.");
    await me.clean("emergency access refused");
    await me.fill("Patient (identifier)", PATIENT);
    await me.press("button", "Open the record");
    await me.heading(/The record is open to you until \d\d:\d\d/);
    await me.clean("a record opened");
  },

  async "reviewing what was opened"({ screen }) {
    const me = await screen();
    await me.open("/reviews");
    await me.signIn("privacy", WITH);
    await me.says("OVERDUE");
    await me.clean("reviews");
    await me.to("radio", "Yes");
    await me.key("Space");
    await me.press("button", "Sign the review");
    await me.says("Nothing waits for review.");
    await me.clean("no reviews");
    await me.to("radio", "To review");
    await me.key("ArrowRight");
    await me.says(/^Reviewed .* by user .*: justified\./);
    await me.clean("all reviews");
  },
};
