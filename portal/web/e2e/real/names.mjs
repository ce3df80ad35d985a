import assert from "node:assert/strict";

const WHOLE = /^[^,]+, \S/;
const INITIALS = /^\p{L}\.\p{L}\.$/u;

export const names = {
  async "names show as the screen's privacy has it"({ vigil, staff, screen }) {
    const { first } = staff;
    const wall = await screen();
    await vigil.enter(wall.page.context(), "names");
    await wall.open("/");
    await wall.live();
    await wall.named(vigil.bed, INITIALS);
    assert.equal(await wall.page.getByTestId(`patient-${vigil.empty}`).textContent(), "");
    await first.open("/admin/stations");
    for (const [choice, shown] of [
      ["Whole names", WHOLE],
      ["No names", /^$/],
      ["Initials", INITIALS],
    ]) {
      await first.to("combobox", "Names on names");
      await first.page.keyboard.type(choice);
      await wall.named(vigil.bed, shown);
    }
    await wall.clean("a real station with initials");
  },

  async "names go while a screen is locked, and alarms and numbers stay"({ vigil, ward, screen }) {
    const me = await screen();
    await me.open("/");
    const password = ward.users.get("nurse");
    const phone = { code: async () => (await vigil.run("demo", "code", "nurse")).trim() };
    await me.signIn("nurse", { password, phone });
    await me.live();
    await me.named(vigil.bed, WHOLE);
    await me.clean("the real ward with names");
    await me.press("button", "Lock");
    await me.heading(/^Locked by/);
    await me.named(vigil.bed, /^$/);
    await me.number(vigil.bed, "hr", "72");
    await me.live();
    await me.clean("the real ward without names");
    await me.fill("Password", password);
    await me.key("Enter");
    await me.named(vigil.bed, WHOLE);
    // As fast as somebody who noticed at once: the server, which looks each second, may have seen nothing of the lock.
    for (let round = 0; round < 5; round += 1) {
      await me.press("button", "Lock");
      await me.named(vigil.bed, /^$/);
      await me.fill("Password", password);
      await me.key("Enter");
      await me.named(vigil.bed, WHOLE);
    }
  },
};
