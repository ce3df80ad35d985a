// People of the real server. Two administrators came in by the pages (real/opening.mjs); they take on everybody else as the
// pages would, without pressing each key again.
import assert from "node:assert/strict";
import { request } from "playwright-core";
import { Phone } from "./phone.mjs";

export const PASSWORD = "seven herons on the quay";

/** Longer than a walk takes. */
const SOON_MS = 90_000;

async function told(answer) {
  assert.ok(answer.ok(), `${answer.url()}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? undefined : answer.json();
}

export class Staff {
  /** Signed-in screens of the two administrators, each with a `phone`. */
  first;
  second;

  constructor(url) {
    this.url = url;
  }

  /**
   * So that users, grants and stations can be changed on this screen for some minutes. Beside the page: how its dialog asks
   * for a code is walked in real/account.mjs.
   */
  async stepUp(screen) {
    if ((screen.graveUntil ?? 0) > Date.now() + SOON_MS) return;
    const data = { code: await screen.phone.code() };
    const session = await told(await screen.page.context().request.post(`${this.url}api/session/step-up`, { data }));
    screen.graveUntil = Date.parse(session.stepped_up_until);
  }

  /** Asks as this administrator, with the cookies of their screen. */
  async #as(screen, method, path, data) {
    await this.stepUp(screen);
    const browser = screen.page.context().request;
    await told(await browser.post(`${this.url}api/session/input`));
    return told(await browser.fetch(`${this.url}${path}`, { method, data }));
  }

  /** Somebody new with these roles, who has set up a password and a phone and is signed in nowhere. */
  async hire(login, name, ...roles) {
    const { user, token } = await this.#as(this.first, "POST", "api/users", { login, display_name: name });
    const theirs = await request.newContext({ baseURL: this.url });
    const { secret } = await told(await theirs.post("api/welcome/begin", { data: { token, password: PASSWORD } }));
    const phone = new Phone(secret);
    const { codes } = await told(
      await theirs.post("api/welcome/finish", { data: { token, code: await phone.code() } }),
    );
    await told(await theirs.delete("api/session"));
    await theirs.dispose();
    for (const role of roles) {
      const grant = await this.#as(this.first, "POST", "api/grants", { user_id: user.id, role });
      if (grant.state === "pending") await this.#as(this.second, "POST", `api/grants/${grant.id}/approve`);
    }
    return { id: user.id, login, name, password: PASSWORD, phone, codes };
  }
}
