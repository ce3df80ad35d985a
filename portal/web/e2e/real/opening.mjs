// Before there is anybody: the first administrator comes in by a link of the host, and takes on a second one.
import assert from "node:assert/strict";
import decode from "qr/decode.js";
import { raster } from "../look.mjs";
import { Phone } from "../phone.mjs";
import { PASSWORD } from "../staff.mjs";

/** As the camera of a phone reads it. */
async function scanned(browser, me) {
  return decode(await raster(browser, await me.page.locator(".qr").screenshot()));
}

export const opening = {
  async "the first administrator, by a link of the host"({ browser, vigil, staff, screen, keep }) {
    const link = (await vigil.run("user", "first-admin")).trim();
    const me = await screen();
    await me.open(link);
    await me.says("This makes the first administrator.");
    assert.equal(await me.page.evaluate(() => location.hash), "", "the token stays in the address");
    await me.clean("real welcome");
    await me.fill("Your name", "Fay First");
    await me.fill("User name", "fay");
    await me.fill("New password", "passwordpassword");
    await me.key("Enter");
    await me.page.getByRole("alert").getByText("Not accepted").waitFor();
    await me.clean("real welcome refused");
    await me.fill("New password", PASSWORD);
    await me.key("Enter");

    await me.heading("Set up your authenticator");
    await me.clean("real authenticator");
    const uri = await scanned(browser, me);
    const secret = (await me.page.getByTestId("secret").textContent()).replaceAll(" ", "");
    assert.equal(uri, `otpauth://totp/Vigil:fay?secret=${secret}&issuer=Vigil`);
    const phone = Phone.scanning(uri);
    await me.fill("The code that it shows now", phone.wrong());
    await me.key("Enter");
    await me.says("The code is wrong or was used before.");
    await me.fill("The code that it shows now", await phone.code());
    await me.key("Enter");

    await me.heading("Your recovery codes");
    assert.equal(await me.page.locator(".secret code").count(), 10);
    await me.clean("real recovery codes");
    await me.press("button", "I have kept them: go on");
    await me.at("/admin/users");
    await me.says("Fay First");
    await me.clean("real users");
    await assert.rejects(vigil.run("user", "first-admin"), /administrator already/);
    const late = await screen();
    await late.open(link);
    await late.says("This link is not known, was used, or is too old.");
    staff.first = Object.assign(me, { phone });
    keep(me);
  },

  async "a second administrator, invited, comes in by the link in another browser"({ staff, screen, keep }) {
    const me = staff.first;
    await staff.stepUp(me);
    await me.fill("Name", "Sue Second");
    await me.fill("User name", "fay");
    await me.key("Enter");
    await me.says("Somebody has this user name.");
    await me.fill("User name", "sue");
    await me.key("Enter");
    await me.heading("The link for Sue Second");
    await me.clean("real invitation");
    const link = await me.page.locator(".secret code").textContent();
    await me.press("button", "I have handed it over");
    assert.equal(await me.page.locator(".secret code").count(), 0);

    const they = await screen();
    await they.open(link);
    await they.says("This sets up the account sue.");
    await they.fill("New password", PASSWORD);
    await they.key("Enter");
    await they.heading("Set up your authenticator");
    const phone = new Phone(await they.page.getByTestId("secret").textContent());
    await they.fill("The code that it shows now", await phone.code());
    await they.key("Enter");
    await they.press("button", "I have kept them: go on");
    // Nobody has said yet what she may do.
    await they.at("/me");
    await they.says("Sue Second (sue)");
    await they.clean("real account of somebody without a role");
    await they.press("button", "Sign out");
    await they.at("/sign-in");
    await they.signIn("sue", { password: PASSWORD, phone });
    await they.at("/me");

    // While there is one administrator, one is enough.
    await me.press("link", "Sue Second");
    await me.to("combobox", "Role");
    await me.page.keyboard.type("Administrator");
    await me.press("button", "Give");
    await me.says("Administrator is granted.");
    await they.open("/admin/users");
    await they.says("Fay First");
    staff.second = Object.assign(they, { phone });
    keep(they);
  },
};
