import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

async function exported(me, button) {
  const [file] = await Promise.all([me.page.waitForEvent("download"), me.press("button", button)]);
  return readFile(await file.path(), "utf8");
}

export const audit = {
  async "the auditor finds who did what, and takes it away"({ vigil, ward, staff, screen }) {
    const una = await staff.hire("ora", "Ora Yew", "nurse");
    const gil = await staff.hire("gil", "Gil Rowan", "auditor");
    const patient = ward.patients.get(vigil.bed);
    const they = await screen();
    await they.open("/break-glass");
    await they.signIn("ora", una);
    await they.fill("Patient (identifier)", patient);
    await they.fill("In your own words", "I am asked to look.");
    await they.press("button", "Open the record");
    await they.fill("Code of your authenticator", await una.phone.code());
    await they.key("Enter");
    await they.heading(/The record is open to you until/);

    const me = await screen();
    await me.open("/audit");
    await me.signIn("gil", gil);
    await me.says("Fill in what you know and search.");
    await me.clean("real audit");
    await me.fill("User (identifier)", una.id);
    await me.fill("Patient (identifier)", patient);
    await me.press("button", "Search");
    await me.says("made access grant, for emergency access");
    const row = me.page.getByRole("row", { name: /made access grant/ });
    assert.match(await row.textContent(), /Ora Yew.*nurse.*success.*127\.0\.0\.1/);
    assert.ok((await row.textContent()).includes(patient));
    await me.clean("real audit found");
    assert.equal(me.page.url().includes(patient), false);

    const csv = await exported(me, "Export as CSV");
    assert.match(csv, new RegExp(`access_grant.*${patient}|${patient}.*access_grant`));
    const events = (await exported(me, "Export as JSON"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(events.every((event) => event.user === una.id && event.patients.includes(patient)));
    assert.ok(events.some((event) => event.entity_kind === "access_grant" && event.action === "C"));

    // Looking at the audit is written down too.
    await me.fill("User (identifier)", gil.id);
    await me.press("button", "Search");
    await me.says(/^read audit event/);
    await me.press("checkbox", /^Accounting of disclosures/, "Space");
    await me.press("button", "Search");
    await me.says(/for emergency access/);
    await me.clean("real disclosures");

    await me.fill("Patient (identifier)", una.id);
    await me.key("Enter");
    await me.says("Nothing was done that fits.");
    await me.clean("real audit found nothing");
  },
};
