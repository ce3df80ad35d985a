import assert from "node:assert/strict";
import { CODE, PASSWORD } from "../identity.mjs";

const WITH = { password: PASSWORD, code: CODE };

export const administration = {
  async "inviting somebody, who comes in by the link"({ screen }) {
    const me = await screen();
    await me.open("/admin/users");
    await me.signIn("admin", WITH);
    await me.says("Ann Lee");
    await me.clean("users");
    await me.press("button", "More users");
    await me.says("Nora Nothing");
    await me.fill("Name", "New Nurse");
    await me.fill("User name", "lee");
    await me.key("Enter");
    await me.says("Somebody has this user name.");
    await me.clean("users refused");
    await me.fill("User name", "new");
    await me.key("Enter");
    await me.heading("The link for New Nurse");
    await me.clean("invitation");
    const link = await me.page.locator(".secret code").textContent();
    await me.press("button", "I have handed it over");
    assert.equal(await me.page.locator(".secret code").count(), 0);

    const they = await screen();
    await they.open(link);
    await they.says("This sets up the account new.");
    await they.fill("New password", "another long password");
    await they.key("Enter");
    await they.fill("The code that it shows now", CODE);
    await they.key("Enter");
    await they.press("button", "I have kept them: go on");
    await they.at("/me");
    await they.says("New Nurse");
  },

  async "disabling somebody asks once more, and ends what they had open"({ screen }) {
    const [me, they] = [await screen(), await screen()];
    await they.open("/");
    await they.signIn("lee", WITH);
    await they.page.locator('#link-state[data-health="live"]').waitFor();
    await me.open("/admin/users");
    await me.signIn("admin", WITH);
    assert.equal(await me.page.getByRole("button", { name: "Disable: Root Admin" }).count(), 0);
    await me.press("button", "Disable: Ann Lee");
    await me.clean("asked once more");
    await me.key("Escape");
    await me.press("button", "Disable: Ann Lee");
    await me.press("button", "Yes, disable: Ann Lee");
    await me.page
      .getByRole("row", { name: /Ann Lee/ })
      .getByText("disabled")
      .waitFor();
    await they.at("/sign-in");
  },

  async "a clinical role needs two administrators"({ screen }) {
    const [me, second] = [await screen(), await screen()];
    await me.open("/admin/users");
    await me.signIn("admin", WITH);
    await me.press("link", "Ida Audit");
    await me.says("No role was ever granted.");
    await me.clean("a user without roles");
    await me.to("combobox", "Role");
    await me.page.keyboard.type("Physician");
    await me.press("button", "Give");
    await me.says("Physician is proposed. It holds once another administrator approves it.");
    await me.says("You proposed it: another approves");
    await me.clean("a proposed role");
    assert.equal(await me.page.getByRole("button", { name: "Approve: Physician for Ida Audit" }).count(), 0);

    await second.open("/admin/grants");
    await second.signIn("other", WITH);
    await second.at("/admin/grants");
    await second.clean("approvals");
    await second.press("button", "Approve: Physician for Ida Audit");
    await second.page.getByRole("row", { name: /Ida Audit/ }).waitFor({ state: "detached" });
    // Her own proposal she may only take back.
    await second.page.getByRole("button", { name: "Refuse: Nurse for Nora Nothing" }).waitFor();
    assert.equal(await second.page.getByRole("button", { name: /^Approve/ }).count(), 0);
  },

  async "proposals of another are refused with a second press"({ screen }) {
    const me = await screen();
    await me.open("/admin/grants");
    await me.signIn("admin", WITH);
    await me.press("button", "Refuse: Nurse for Nora Nothing");
    await me.press("button", "Yes, refuse: Nurse for Nora Nothing");
    await me.says("Nothing waits.");
    await me.clean("nothing to approve");
  },

  async "one's own roles are decided by others"({ mock, screen }) {
    const admin = mock.identity.user("admin");
    mock.identity.propose(admin, "auditor", mock.identity.user("other"));
    const me = await screen();
    await me.open(`/admin/users/${admin.id}`);
    await me.signIn("admin", WITH);
    await me.says("This is you. What you may do is decided by other administrators.");
    await me.says("About you: others decide");
    assert.equal(await me.page.getByRole("button", { name: /^(Approve|Refuse|End|Give)/ }).count(), 0);
    await me.clean("my own roles");
  },
};
