import assert from "node:assert/strict";

const REASON = "The physician on duty is in theatre.";

export const breakGlass = {
  async "opening a record in an emergency, and its review"({ vigil, ward, staff, screen }) {
    const pia = await staff.hire("pia", "Pia Oak", "nurse");
    const paul = await staff.hire("paul", "Paul Fir", "privacy_officer");
    const patient = ward.patients.get(vigil.bed);
    const me = await screen();
    await me.open("/");
    await me.signIn("pia", pia);
    await me.live();
    await me.page.getByTestId(`tile-${vigil.empty}`).waitFor();
    assert.equal(await me.page.getByTestId(`tile-${vigil.bed}`).count(), 0, "whom she has nothing to do with");

    await me.press("link", "Emergency access");
    await me.clean("real emergency access");
    await me.fill("Patient (identifier)", ward.location);
    await me.to("combobox", "Why");
    await me.page.keyboard.type("I cover");
    await me.fill("In your own words", REASON);
    await me.press("button", "Open the record");
    await me.page.getByRole("dialog", { name: "Is it you?" }).waitFor();
    await me.fill("Code of your authenticator", await pia.phone.code());
    await me.key("Enter");
    await me.says("This does not exist, or no longer.");
    await me.fill("Patient (identifier)", ward.patients.get(vigil.restricted));
    const [answer] = await Promise.all([
      me.page.waitForResponse((response) => response.url().endsWith("/api/break-glass")),
      me.press("button", "Open the record"),
    ]);
    assert.equal(answer.status(), 404, "as of somebody unknown");
    await me.says("This does not exist, or no longer.");
    await me.clean("real emergency access refused");
    await me.fill("Patient (identifier)", patient);
    await me.press("button", "Open the record");
    await me.heading(/The record is open to you until \d\d:\d\d/);
    await me.clean("a real record opened");
    await me.press("link", "Ward");
    await me.page.getByTestId(`tile-${vigil.bed}`).waitFor();
    assert.equal(await me.page.getByTestId(`tile-${vigil.restricted}`).count(), 0);

    const they = await screen();
    await they.open("/reviews");
    await they.signIn("paul", paul);
    await they.at("/reviews");
    await they.says(REASON);
    await they.says(pia.id);
    await they.clean("real reviews");
    // What is still to come may not be justified.
    await they.to("radio", "Yes");
    await they.key("Space");
    await they.press("button", "Sign the review");
    await they.says("The access is still open. It can be found justified once it is over.");
    await they.clean("a real review refused");
    await they.to("radio", "Yes");
    await they.key("ArrowDown");
    await they.press("button", "Sign the review");
    await they.says("Nothing waits for review.");
    await me.page.getByTestId(`tile-${vigil.bed}`).waitFor({ state: "detached" });
    await they.to("radio", "To review");
    await they.key("ArrowRight");
    await they.says(/^Reviewed .* by user .*: unjustified\./);
    await they.clean("all real reviews");
  },
};
