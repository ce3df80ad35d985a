// A person with a keyboard and no mouse.
import assert from "node:assert/strict";
import { accessible } from "./look.mjs";

export const SHOTS = new URL("../../../target/e2e/", import.meta.url).pathname;
/** More than any page of ours has stops. */
const STOPS = 120;
/** For what the page does by itself. */
const PATIENCE_MS = 20_000;

/** What a browser says by itself of a request that was refused, or of a socket that was. */
const EXPECTED = /^Failed to load resource|^WebSocket connection to/;

/** What has the focus, and whether a person can see that. */
function focused() {
  const has = document.activeElement;
  // What stands for a field that is drawn by its label.
  const at = has.getBoundingClientRect().height > 0 ? has : (has.labels?.[0] ?? has);
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    ringed: Number.parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none",
    seen: over !== null && (at.contains(over) || over.contains(at) || over.closest("label") !== null),
    what: at.outerHTML.slice(0, 160),
  };
}

export class Keyboard {
  constructor(page, base) {
    this.page = page;
    this.base = base;
    this.thrown = [];
    page.on("pageerror", (error) => this.thrown.push(error.stack));
    page.on("console", (said) => {
      if (said.type() === "error" && !EXPECTED.test(said.text())) this.thrown.push(said.text());
    });
    page.setDefaultTimeout(PATIENCE_MS);
  }

  /** Requests are waited for without end, however slow this machine is. */
  patient() {
    return this.page.addInitScript(() => {
      AbortSignal.timeout = () => new AbortController().signal;
    });
  }

  open(path) {
    return this.page.goto(new URL(path, this.base).href);
  }

  /** Tabs to it, and sees where the focus is. */
  async to(role, name) {
    const target = this.page.getByRole(role, { name, exact: typeof name === "string" });
    await target.first().waitFor({ state: "attached" });
    for (let stop = 0; stop < STOPS; stop += 1) {
      if (await target.first().evaluate((element) => element === document.activeElement)) return this.#check();
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`no Tab leads to ${role} ${name}`);
  }

  async press(role, name, key = "Enter") {
    await this.to(role, name);
    await this.page.keyboard.press(key);
  }

  /** Into a field, over what is there. */
  async fill(label, text) {
    // A required field's label ends in a star.
    const whole = new RegExp(`^${label.replaceAll(/[()]/g, "\\$&")}( \\*)?$`);
    const target = this.page.getByLabel(whole).filter({ visible: true });
    await target.waitFor();
    for (let stop = 0; stop < STOPS; stop += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) break;
      if (stop === STOPS - 1) throw new Error(`no Tab leads to the field ${label}`);
      await this.page.keyboard.press("Tab");
    }
    await this.#check();
    await this.page.keyboard.press("ControlOrMeta+A");
    await this.page.keyboard.insertText(text);
  }

  key(key) {
    return this.page.keyboard.press(key);
  }

  /** Waits until the page says so where it can be seen. */
  async says(text, within = PATIENCE_MS) {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: within });
  }

  async saysNot(text) {
    await this.page.waitForFunction((wanted) => !document.body.innerText.includes(wanted), text);
  }

  heading(name) {
    return this.page.getByRole("heading", { name }).first().waitFor();
  }

  async at(path, within = PATIENCE_MS) {
    await this.page.waitForURL((url) => url.pathname === path, { timeout: within });
  }

  /** axe, the focus that a problem takes, and nothing personal where it stays behind. */
  async clean(name) {
    await accessible(this.page, name);
    await this.page.screenshot({ path: `${SHOTS}walk-${name.replaceAll(/\W+/g, "-")}.png` });
    const kept = await this.page.evaluate(async () => ({
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
      cookie: document.cookie,
      hash: location.hash,
    }));
    assert.deepEqual(kept, { local: 0, session: 0, databases: 0, cookie: "", hash: "" }, `${name} keeps something`);
  }

  /** Numbers come. */
  live() {
    return this.page.locator('#link-state[data-health="live"]').waitFor();
  }

  /** Until a tile shows it. */
  number(bed, parameter, text) {
    return this.page.getByTestId(`value-${bed}-${parameter}`).getByText(text, { exact: true }).waitFor();
  }

  /** Until a tile names whom it is on like this. */
  named(bed, like) {
    return this.page.waitForFunction(
      ([testid, { source, flags }]) =>
        new RegExp(source, flags).test(document.querySelector(`[data-testid="${testid}"]`)?.textContent ?? "?"),
      [`patient-${bed}`, { source: like.source, flags: like.flags }],
    );
  }

  async signInHalf(login, password) {
    await this.fill("User name", login);
    await this.fill("Password", password);
    await this.key("Enter");
  }

  /** `code`: six digits, or a phone that shows them. */
  async signIn(login, { password, code, phone }) {
    await this.signInHalf(login, password);
    await this.fill("Code of your authenticator", code ?? (await phone.code()));
    await this.key("Enter");
    await this.page.locator("#who").waitFor({ state: "visible" });
  }

  async #check() {
    const { ringed, seen, what } = await this.page.evaluate(focused);
    assert.ok(ringed, `the focus cannot be seen on ${what}`);
    assert.ok(seen, `something lies over ${what}`);
  }
}
