import assert from "node:assert/strict";
import { CODE, PASSWORD, PIN, PLACE } from "../identity.mjs";

const WITH = { password: PASSWORD, code: CODE };

async function enrolled(mock, screen, name = "ICU desk") {
  mock.identity.stations.push({ id: name, name, mode: "wall", location_id: PLACE, privacy: "initials", code: "C0DE" });
  const wall = await screen();
  await wall.open("/station");
  await wall.fill("Code", "C0DE");
  await wall.key("Enter");
  await wall.at("/");
  await wall.page.locator('#link-state[data-health="live"]').waitFor();
  return wall;
}

export const stations = {
  async "a new station, from its code to its end"({ screen }) {
    const [me, wall] = [await screen(), await screen()];
    await me.open("/admin/stations");
    await me.signIn("admin", WITH);
    await me.says("No screen is a station yet");
    await me.clean("no stations");
    await me.fill("Name", "ICU desk");
    await me.fill("Place (identifier)", PLACE.replace("aa", "ff"));
    await me.key("Enter");
    await me.says("There is no such place.");
    await me.fill("Place (identifier)", PLACE);
    await me.key("Enter");
    await me.heading("The code for ICU desk");
    await me.clean("a station's code");
    const code = await me.page.locator(".secret code").textContent();

    await wall.open("/sign-in");
    await wall.press("link", "Make this screen a station");
    await wall.clean("enrolling a screen");
    await wall.fill("Code", "WRONG");
    await wall.key("Enter");
    await wall.says("This code is not known, was used, or is older than 10 minutes.");
    await wall.clean("enrolling refused");
    await wall.fill("Code", code);
    await wall.key("Enter");
    await wall.at("/");
    await wall.page.locator('#link-state[data-health="live"]').waitFor();
    await wall.says("bed-02");
    assert.equal(await wall.page.locator("#no-alarms").isVisible(), false);
    assert.equal(await wall.page.locator("#rail").isVisible(), false);
    await wall.clean("a station");

    await me.press("button", "It is typed in");
    await me.open("/admin/stations");
    await me.says(/enrolled until/);
    await me.to("combobox", "Names on ICU desk");
    await me.page.keyboard.type("No names");
    await me.page.waitForFunction(() => document.querySelector("td select")?.value === "none");
    await me.clean("stations");
    await me.press("button", "New code: ICU desk");
    await me.heading("The code for ICU desk");
    assert.notEqual(await me.page.locator(".secret code").textContent(), code);
    await me.press("button", "It is typed in");
    await me.press("button", "Revoke: ICU desk");
    await me.press("button", "Yes, revoke: ICU desk");
    await wall.says(/STATION SIGNED OUT, NO ALARMS HERE since \d\d:\d\d:\d\d\. Use bedside monitors\./);
    assert.equal(await wall.page.locator(".tile").count(), 0);
    await wall.clean("a revoked station");
  },

  async "a nurse comes and goes at a station"({ mock, screen }) {
    const wall = await enrolled(mock, screen);
    await wall.press("link", "Sign in");
    await wall.says("This screen is the station ICU desk.");
    await wall.clean("sign-in at a station");
    await wall.fill("User name", "lee");
    await wall.fill("PIN", "000000");
    await wall.key("Enter");
    await wall.says("The PIN is wrong, or does not hold here.");
    await wall.fill("PIN", PIN);
    await wall.key("Enter");
    await wall.at("/");
    await wall.says("Ann Lee");
    assert.equal(await wall.page.locator("#no-alarms").isVisible(), false);

    await wall.press("button", "Lock");
    await wall.heading("Locked by Ann Lee");
    await wall.clean("a locked station");
    await wall.fill("PIN", PIN);
    await wall.key("Enter");
    await wall.says("Ann Lee");
    await wall.press("button", "Sign out");
    await wall.page.getByRole("link", { name: "Sign in" }).waitFor();
    await wall.at("/");
    await wall.page.locator('#link-state[data-health="live"]').waitFor();
    await wall.says("bed-02");
  },

  async "a station shows its ward on one screen"({ mock, screen }) {
    const wall = await enrolled(mock, screen);
    const second = await wall.page.context().newPage();
    await second.goto(mock.url);
    await second.locator('#link-state[data-health="live"]').waitFor();
    await wall.says(/SHOWN ON ANOTHER SCREEN, NOT LIVE HERE since/);
    await wall.clean("a replaced station");
    await wall.press("button", "Show the ward here");
    await wall.page.locator('#link-state[data-health="live"]').waitFor();
    await second.getByText(/SHOWN ON ANOTHER SCREEN/).waitFor();
  },

  async "the wall comes up though nothing can be asked, and shows who is here once it can"({ mock, screen }) {
    const wall = await enrolled(mock, screen);
    mock.trouble.hold("GET /api/session");
    await wall.open("/");
    await wall.page.locator('#link-state[data-health="live"]').waitFor();
    await wall.says("bed-02");
    mock.trouble.over();
    await wall.page.getByRole("link", { name: "Sign in" }).waitFor();
  },
};
