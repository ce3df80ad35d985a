import assert from "node:assert/strict";

const PIN = "975310";
/** Within this time only a socket can have told. */
const TOLD_MS = 5_000;

export const stations = {
  async "a new station, from its code to its end"({ vigil, ward, staff, screen }) {
    const { first } = staff;
    const wall = await screen();
    await first.open("/admin/stations");
    await first.fill("Name", "East desk");
    await first.fill("Place (identifier)", ward.patients.get(vigil.bed));
    await first.key("Enter");
    await first.says("There is no such place.");
    await first.fill("Place (identifier)", ward.location);
    await first.key("Enter");
    await first.heading("The code for East desk");
    await first.clean("a real station's code");
    const code = await first.page.locator(".secret code").textContent();
    await first.press("button", "It is typed in");

    await wall.open("/sign-in");
    await wall.press("link", "Make this screen a station");
    await wall.fill("Code", "WRONG-C0DES");
    await wall.key("Enter");
    await wall.says("This code is not known, was used, or is older than 10 minutes.");
    await wall.clean("really enrolling refused");
    await wall.fill("Code", code);
    await wall.key("Enter");
    await wall.at("/");
    await wall.live();
    await wall.page.getByTestId(`tile-${vigil.bed}`).waitFor();
    assert.equal(await wall.page.locator("#no-alarms").isVisible(), false);
    assert.equal(await wall.page.locator("#rail").isVisible(), false);
    await wall.clean("a real station");

    await first.open("/admin/stations");
    await first.says(/enrolled until/);
    await first.to("combobox", "Names on East desk");
    await first.page.keyboard.type("No names");
    await first.page.waitForFunction(
      () => document.querySelector('select[aria-label="Names on East desk"]')?.value === "none",
    );
    await first.clean("real stations");

    await first.press("button", "Revoke: East desk");
    await first.press("button", "Yes, revoke: East desk");
    await wall.says(/STATION SIGNED OUT, NO ALARMS HERE since \d\d:\d\d:\d\d\. Use bedside monitors\./, TOLD_MS);
    assert.equal(await wall.page.locator(".tile").count(), 0);
    await wall.clean("a real station revoked");
  },

  async "a nurse comes and goes at a station by PIN"({ vigil, staff, screen }) {
    const una = await staff.hire("una", "Una Elm", "nurse");
    const [wall, elsewhere] = [await screen(), await screen()];
    await vigil.enter(wall.page.context());
    await wall.open("/");
    await wall.live();
    await elsewhere.open("/me");
    await elsewhere.signIn("una", una);
    await elsewhere.fill("New PIN", PIN);
    await elsewhere.key("Enter");
    await elsewhere.fill("Code of your authenticator", await una.phone.code());
    await elsewhere.key("Enter");
    await elsewhere.says("The PIN is set.");

    await wall.press("link", "Sign in");
    await wall.fill("User name", "una");
    await wall.fill("PIN", PIN);
    await wall.key("Enter");
    await wall.says("The PIN is wrong, or does not hold here.");
    await wall.clean("a real PIN that does not hold yet");
    await wall.press("button", "Use a password and a code");
    await wall.signIn("una", una);
    await wall.at("/");
    await wall.says("Una Elm");
    assert.equal(await wall.page.locator("#no-alarms").isVisible(), false);
    await wall.clean("somebody at a real station");

    await wall.press("button", "Lock");
    await wall.heading("Locked by Una Elm");
    await wall.clean("a real station locked");
    await wall.fill("PIN", "579135");
    await wall.key("Enter");
    await wall.says("The PIN is wrong, or does not hold here.");
    await wall.fill("PIN", PIN);
    await wall.key("Enter");
    await wall.says("Una Elm");
    await wall.press("button", "Sign out");
    await wall.page.getByRole("link", { name: "Sign in" }).waitFor();
    await wall.at("/");
    await wall.live();
    await wall.page.getByTestId(`tile-${vigil.bed}`).waitFor();
    await wall.press("link", "Sign in");
    await wall.fill("User name", "una");
    await wall.fill("PIN", PIN);
    await wall.key("Enter");
    await wall.at("/");
    await wall.says("Una Elm");
  },

  async "a station shows its ward on one screen"({ vigil, screen }) {
    const wall = await screen();
    await vigil.enter(wall.page.context());
    await wall.open("/");
    await wall.live();
    const second = await wall.page.context().newPage();
    await second.goto(vigil.url);
    await second.locator('#link-state[data-health="live"]').waitFor();
    await wall.says(/SHOWN ON ANOTHER SCREEN, NOT LIVE HERE since/);
    await wall.clean("a real station replaced");
    await wall.press("button", "Show the ward here");
    await wall.live();
    await second.getByText(/SHOWN ON ANOTHER SCREEN/).waitFor();
  },
};
