import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { CODE, PASSWORD, PATIENT } from "../identity.mjs";

const WITH = { password: PASSWORD, code: CODE };

async function exported(me, button) {
  const [file] = await Promise.all([me.page.waitForEvent("download"), me.press("button", button)]);
  return [file.suggestedFilename(), await readFile(await file.path(), "utf8")];
}

export const audit = {
  async "searching the audit, and taking it away"({ mock, screen }) {
    const me = await screen();
    await me.open("/audit");
    await me.signIn("audit", WITH);
    await me.says("Fill in what you know and search.");
    await me.clean("audit");
    await me.press("button", "Search");
    await me.says("made role grant, for operations");
    await me.says("2 patients");
    await me.clean("audit found");
    const rows = me.page.locator("tbody tr");
    assert.equal(await rows.count(), 20);
    await me.press("button", "More events");
    await rows.nth(32).waitFor();

    const [csv, text] = await exported(me, "Export as CSV");
    assert.deepEqual([csv, text.trim().split("\r\n").length], ["audit.csv", 34]);
    const [jsonl, lines] = await exported(me, "Export as JSON");
    assert.deepEqual([jsonl, lines.trim().split("\n").length], ["audit.jsonl", 33]);

    await me.press("button", /^Only Root Admin/);
    await rows.nth(1).waitFor({ state: "detached" });
    const admin = mock.identity.user("admin").id;
    assert.equal(await me.page.getByLabel("User (identifier)").inputValue(), admin);
    await me.fill("Patient (identifier)", PATIENT);
    await me.press("button", "Search");
    await me.says("Nothing was done that fits.");
    await me.clean("audit found nothing");
    assert.equal(me.page.url().includes(PATIENT), false);
  },

  async "an accounting of disclosures needs its patient"({ screen }) {
    const me = await screen();
    await me.open("/audit");
    await me.signIn("privacy", WITH);
    await me.page.waitForURL((url) => url.pathname === "/audit");
    await me.press("checkbox", /^Accounting of disclosures/, "Space");
    await me.press("button", "Search");
    await me.says("Fill in what you know and search.");
    await me.fill("Patient (identifier)", PATIENT);
    await me.key("Enter");
    await me.says("read patient, for emergency access");
    await me.clean("disclosures");
  },

  async "the audit, loading, stopped, failed and there"({ mock, screen }) {
    const me = await screen();
    await me.patient();
    await me.open("/audit");
    await me.signIn("audit", WITH);
    mock.trouble.hold("GET /api/audit");
    await me.press("button", "Search");
    await me.says("Still loading the events.");
    await me.clean("audit still loading");
    await me.press("button", "Stop");
    mock.trouble.over();
    mock.trouble.fail("GET /api/audit", 403, "missing_permission");
    await me.press("button", "Load the events");
    await me.says("permission search_audit");
    await me.clean("audit forbidden");
  },
};
