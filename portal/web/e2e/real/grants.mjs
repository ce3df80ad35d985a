import assert from "node:assert/strict";

/** Within this time only a socket can have told. */
const TOLD_MS = 5_000;

export const grants = {
  async "a clinical role needs two administrators, and ends at once"({ vigil, staff, screen }) {
    const ida = await staff.hire("ida", "Ida Vale");
    const { first, second } = staff;
    await first.open(`/admin/users/${ida.id}`);
    await first.says("No role was ever granted.");
    await first.clean("a real user without roles");
    await first.to("combobox", "Role");
    await first.page.keyboard.type("Physician");
    await first.press("button", "Give");
    await first.says("Physician is proposed. It holds once another administrator approves it.");
    await first.says("You proposed it: another approves");
    await first.clean("a real role proposed");
    assert.equal(await first.page.getByRole("button", { name: /^Approve: Physician/ }).count(), 0);

    const they = await screen();
    await they.open("/me");
    await they.signIn("ida", ida);
    await they.at("/me");
    assert.deepEqual(await they.page.locator("#rail a").allTextContents(), ["My account"]);

    await second.open("/admin/grants");
    await second.says("Ida Vale");
    await second.clean("real approvals");
    await second.press("button", "Approve: Physician for Ida Vale");
    await second.page.getByRole("row", { name: /Ida Vale/ }).waitFor({ state: "detached" });
    await they.open("/");
    await they.at("/");
    await they.live();
    await they.page.getByTestId(`tile-${vigil.empty}`).waitFor();

    await second.open(`/admin/users/${ida.id}`);
    await second.press("button", "End: Physician for Ida Vale");
    await second.press("button", "Yes, end: Physician for Ida Vale");
    await second.says("ended");
    await they.page.getByTestId(`tile-${vigil.empty}`).waitFor({ state: "detached", timeout: TOLD_MS });
    await they.clean("a screen whose role has ended");
  },

  async "one's own roles are decided by others, and disabling ends what was open"({ staff, screen }) {
    const { first } = staff;
    const guy = await staff.hire("guy", "Guy Ash", "nurse");
    const they = await screen();
    await they.open("/");
    await they.signIn("guy", guy);
    await they.live();

    await first.open("/admin/users");
    await first.says("Guy Ash");
    await first.press("link", "Fay First");
    await first.says("This is you. What you may do is decided by other administrators.");
    assert.equal(await first.page.getByRole("button", { name: /^(Approve|Refuse|End|Give)/ }).count(), 0);
    await first.clean("my own real roles");
    await first.open("/admin/users");
    await first.press("button", "Disable: Guy Ash");
    await first.press("button", "Yes, disable: Guy Ash");
    await they.at("/sign-in", TOLD_MS);
    await first.page
      .getByRole("row", { name: /Guy Ash/ })
      .getByText("disabled")
      .waitFor();
    await they.signInHalf("guy", guy.password);
    await they.says("The user name or the password is wrong.");
  },
};
