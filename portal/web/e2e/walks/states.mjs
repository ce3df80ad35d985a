import assert from "node:assert/strict";
import { CODE, PASSWORD } from "../identity.mjs";

const WITH = { password: PASSWORD, code: CODE };

/** Each list: who may see it, its address, what it asks, and a word of what it loads. */
const LISTS = [
  ["lee", "/me", "GET /api/sessions", "your sessions"],
  ["admin", "/admin/users", "GET /api/users", "the users"],
  ["admin", "/admin/grants", "GET /api/grants", "what waits"],
  ["admin", "/admin/stations", "GET /api/stations", "the stations"],
  ["privacy", "/reviews", "GET /api/break-glass", "the accesses"],
];

async function oneList({ mock, screen }, login, path, asked, what) {
  const me = await screen();
  await me.patient();
  await me.open(path);
  await me.signIn(login, WITH);
  mock.trouble.hold(asked);
  await me.open(path);
  await me.page.locator('[data-phase="shape"]').waitFor();
  await me.clean(`${path} loading`);
  await me.says(`Still loading ${what}.`);
  await me.clean(`${path} still loading`);
  await me.press("button", "Stop");
  await me.says("Loading was stopped.");
  await me.clean(`${path} stopped`);
  mock.trouble.over();
  mock.trouble.fail(asked, 500, "unforeseen");
  await me.press("button", `Load ${what}`);
  await me.says("Code unforeseen");
  await me.clean(`${path} failed`);
  // The focus is on what went wrong.
  const focus = await me.page.evaluate(() => document.activeElement.closest('[data-testid="problem"]') !== null);
  assert.ok(focus, "the problem has no focus");
  mock.trouble.over();
  await me.press("button", "Try again");
  await me.page.getByTestId("problem").waitFor({ state: "detached" });
}

export const states = {
  ...Object.fromEntries(
    LISTS.map(([login, path, asked, what]) => [
      `loading, stopped, failed and there: ${path}`,
      (walk) => oneList(walk, login, path, asked, what),
    ]),
  ),

  async "a request that is never answered says so after ten seconds"({ mock, screen }) {
    const me = await screen();
    await me.open("/admin/stations");
    await me.signIn("admin", WITH);
    mock.trouble.hold("GET /api/stations");
    await me.open("/admin/stations");
    await me.says("The server did not answer in time.");
  },

  async "a page for others says which permission is missing"({ screen }) {
    const me = await screen();
    await me.open("/admin/users");
    await me.signIn("lee", WITH);
    await me.heading("Not for you");
    await me.says("None of your roles allows you to manage users (permission manage_users).");
    await me.clean("forbidden");
  },

  async "a permission that was lost meanwhile is named too"({ mock, screen }) {
    const me = await screen();
    await me.open("/admin/stations");
    await me.signIn("admin", WITH);
    mock.trouble.fail("GET /api/stations", 403, "missing_permission");
    await me.open("/admin/stations");
    await me.says("permission manage_stations");
    await me.clean("forbidden by the server");
  },

  async "an address that nobody knows"({ screen }) {
    const me = await screen();
    await me.open("/nowhere");
    await me.heading("No such page");
    await me.clean("no such page");
  },

  async "every page is readable at 400 % zoom"({ screen }) {
    for (const [login, ...paths] of [
      ["lee", "/me", "/break-glass", "/devices/bed-01"],
      ["admin", "/admin/users", "/admin/grants", "/admin/stations", "/station", "/nowhere"],
      ["privacy", "/reviews", "/audit"],
    ]) {
      const me = await screen();
      await me.page.setViewportSize({ width: 320, height: 800 });
      await me.open("/sign-in");
      await me.signIn(login, WITH);
      for (const path of paths) {
        await me.open(path);
        await me.page.getByRole("heading", { level: 1 }).filter({ visible: true }).first().waitFor();
        await me.page.waitForLoadState("networkidle");
        const wide = await me.page.evaluate(() => {
          const [root, page] = [document.documentElement, document.getElementById("page")];
          return root.scrollWidth > root.clientWidth || page.scrollWidth > page.clientWidth;
        });
        assert.equal(wide, false, `${path} scrolls sideways`);
      }
    }
  },
};
