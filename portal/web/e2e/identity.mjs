// Who is signed in, as docs/api.md says it, for the made-up ward: accounts, sessions, stations and grants in memory.
// Every password is PASSWORD, every PIN is PIN, every code is CODE; nothing of it is in the product.

import { randomBytes, randomUUID } from "node:crypto";
import { auditEvents } from "./audit.mjs";

export { PATIENT, PLACE } from "./answers.mjs";

import { iso, minutes, PATIENT, Problem, refuse } from "./answers.mjs";
import * as office from "./office.mjs";

export const PASSWORD = "correct horse battery";
export const CODE = "246810";
export const PIN = "135791";
export const RECOVERY = "kiwi-acre-moss";
const CLINICAL = ["read_vitals", "read_chart", "break_glass", "find_patients"];
const PERMISSIONS = {
  nurse: CLINICAL,
  physician: CLINICAL,
  administrator: ["manage_users", "manage_grants", "manage_stations", "read_devices"],
  auditor: ["search_audit", "export_audit"],
  privacy_officer: ["search_audit", "export_audit", "review_break_glass"],
};
function people() {
  const made = (login, display_name, ...roles) => ({ id: randomUUID(), login, display_name, status: "active", roles });
  return [
    made("lee", "Ann Lee", "nurse"),
    made("admin", "Root Admin", "administrator"),
    made("other", "Olga Other", "administrator"),
    made("audit", "Ida Audit", "auditor"),
    made("privacy", "Paul Privacy", "privacy_officer"),
    made("nobody", "Nora Nothing"),
  ];
}

export class Identity {
  users = people();
  sessions = new Map();
  stations = [];
  grants = [];
  accesses = [];
  links = new Map();
  /** How long until a session locks and ends. */
  locksMs = minutes(5);
  endsMs = minutes(15);
  inputs = 0;
  /** Called with a station or session that may watch no more: (id, code of the close frame). */
  onEnded = () => undefined;

  constructor() {
    const [lee, , other] = this.users;
    this.access(lee, { overdue: true });
    this.propose(this.users[5], "nurse", other);
    this.events = auditEvents(this.users, PATIENT);
  }

  user(login) {
    return this.users.find((user) => user.login === login);
  }

  link(purpose, login = null) {
    const token = randomBytes(16).toString("base64url");
    this.links.set(token, { purpose, login });
    return token;
  }

  propose(user, role, by, state = "pending") {
    const grant = { id: randomUUID(), user_id: user.id, role, from: iso(Date.now()), granted_by: by.id, state };
    this.grants.push(grant);
    return grant;
  }

  access(user, { overdue = false } = {}) {
    const from = Date.now() - (overdue ? minutes(80 * 60) : 0);
    const access = {
      id: randomUUID(),
      user_id: user.id,
      patient_id: PATIENT,
      from: iso(from),
      until: iso(from + minutes(60)),
      reason_code: "emergency",
      reason: "Unconscious on arrival, nobody of the team was there.",
      due_at: iso(from + minutes(72 * 60)),
      overdue,
    };
    this.accesses.push(access);
    return access;
  }

  /** What the two cookies stand for. */
  visit(cookies) {
    const station = this.stations.find((one) => one.token === cookies.station && !one.revoked) ?? null;
    const session = this.sessions.get(cookies.session) ?? null;
    if (session && Date.now() >= session.last + this.endsMs) {
      this.sessions.delete(cookies.session);
      return { station, session: null };
    }
    return { station, session };
  }

  state(session) {
    if (!session) return "none";
    if (session.factors.length < 2 && !session.factors.includes("pin")) return "half";
    return session.locked || Date.now() >= session.last + this.locksMs ? "locked" : "open";
  }

  /** Whom live numbers are for. */
  watches({ station, session }) {
    if (station) return station.id;
    const here = ["open", "locked"].includes(this.state(session));
    return here && this.permissions(session).includes("read_vitals") ? session.id : null;
  }

  permissions(session) {
    return session.user.roles.flatMap((role) => PERMISSIONS[role] ?? []);
  }

  view({ session, station }) {
    const state = this.state(session);
    const shown = station && {
      id: station.id,
      name: station.name,
      mode: station.mode,
      location_id: station.location_id,
      privacy: station.privacy,
    };
    if (state === "none") return { state, user: null, station: shown, factors: [], roles: [], permissions: [] };
    const { id, login, display_name, roles } = session.user;
    return {
      state,
      user: { id, login, display_name },
      station: shown,
      factors: session.factors,
      roles,
      permissions: state === "open" ? this.permissions(session) : [],
      locks_at: state === "open" ? iso(session.last + this.locksMs) : null,
      ends_at: iso(session.last + this.endsMs),
      stepped_up_until: session.steppedUp > Date.now() ? iso(session.steppedUp) : null,
    };
  }

  begin(user, factors) {
    const now = Date.now();
    return { id: randomUUID(), user, factors, started: now, last: now, locked: false, steppedUp: 0 };
  }

  /** Another token for it, as after every factor. */
  turn(cookies, session) {
    this.sessions.delete(cookies.session);
    const token = randomBytes(16).toString("hex");
    this.sessions.set(token, session);
    return { session: token };
  }

  end(session, code = 4002) {
    for (const [token, one] of this.sessions) if (one === session) this.sessions.delete(token);
    this.onEnded(session.id, code);
  }

  /** Answers `{status, body, cookies}`, or throws a Problem. */
  answer(method, path, query, body, cookies) {
    const visit = this.visit(cookies);
    const asked = { method, path, query, body, cookies, ...visit };
    const [, slice] = path.split("/").slice(1);
    if (slice === "session") return this.#session(asked);
    if (slice === "welcome") return this.#welcome(asked);
    if (slice === "station") return this.#station(asked);
    const state = this.state(visit.session);
    if (state === "locked") refuse(401, "locked");
    if (state !== "open") refuse(401, "not_signed_in");
    const slices = {
      sessions: () => this.#sessions(asked),
      me: () => this.#me(asked),
      users: () => office.users(this, asked),
      grants: () => office.grants(this, asked),
      "break-glass": () => office.breakGlass(this, asked),
      stations: () => office.stations(this, asked),
      audit: () => office.audit(this, asked),
      disclosures: () => office.audit(this, asked),
    };
    return slices[slice]?.() ?? refuse(404, "not_found");
  }

  #session({ method, path, body, cookies, session, station }) {
    const state = this.state(session);
    const moved = (next) => ({ body: this.view({ session: next, station }), cookies: this.turn(cookies, next) });
    const proven = (given, right, code) => given === right || refuse(401, code);
    switch (`${method} ${path}`) {
      case "GET /api/session":
        return { body: this.view({ session, station }) };
      case "POST /api/session": {
        const user = this.user(body.login);
        if (body.login === "throttled") throw new Problem(429, "throttled", "too many", 42);
        proven(user && user.status === "active" && body.password, PASSWORD, "wrong_credentials");
        return moved(this.begin(user, ["password"]));
      }
      case "POST /api/session/factor": {
        if (state !== "half") refuse(401, "not_signed_in");
        const recovery = body.code === RECOVERY;
        if (!recovery) proven(body.code, CODE, "wrong_code");
        session.factors.push(recovery ? "recovery" : "totp");
        return moved(session);
      }
      case "POST /api/session/pin": {
        const user = this.user(body.login);
        proven(station && user && body.pin, PIN, "wrong_pin");
        return moved(this.begin(user, ["pin"]));
      }
      case "POST /api/session/lock":
        if (state !== "open") refuse(401, "not_signed_in");
        session.locked = true;
        return moved(session);
      case "POST /api/session/unlock":
        if (state !== "locked") refuse(401, "not_signed_in");
        if (station) proven(body.pin, PIN, "wrong_pin");
        else proven(body.password, PASSWORD, "wrong_credentials");
        session.locked = false;
        session.last = Date.now();
        return moved(session);
      case "POST /api/session/step-up":
        if (state !== "open") refuse(401, "not_signed_in");
        proven(body.code, CODE, "wrong_code");
        session.steppedUp = Date.now() + minutes(5);
        return moved(session);
      case "POST /api/session/input":
        if (state !== "open") refuse(401, "not_signed_in");
        this.inputs += 1;
        session.last = Date.now();
        return { body: this.view({ session, station }) };
      case "DELETE /api/session":
        if (session) this.end(session);
        return { status: 204, cookies: { session: "" } };
      default:
        return refuse(404, "not_found");
    }
  }

  #welcome({ path, body, cookies }) {
    const link = this.links.get(body.token) ?? refuse(404, "unknown_link");
    const seed = {
      secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
      uri: "otpauth://totp/Vigil:new?secret=JBSWY3DPEHPK3PXP",
    };
    if (path === "/api/welcome") return { body: { ...link, expires_at: iso(Date.now() + minutes(15)) } };
    if (path === "/api/welcome/begin") {
      weak(body.password);
      if (body.login && this.user(body.login)) refuse(409, "login_taken");
      Object.assign(link, { login: body.login ?? link.login, display_name: body.display_name });
      return { body: seed };
    }
    if (body.code !== CODE) refuse(401, "wrong_code");
    this.links.delete(body.token);
    const first = link.purpose === "first_administrator";
    const user = this.user(link.login) ?? {
      id: randomUUID(),
      login: link.login,
      display_name: link.display_name ?? link.login,
      status: "active",
      roles: first ? ["administrator"] : [],
    };
    user.status = "active";
    if (!this.users.includes(user)) this.users.push(user);
    return { body: { codes: tenCodes() }, cookies: this.turn(cookies, this.begin(user, ["password", "totp"])) };
  }

  #sessions({ method, path, session }) {
    const mine = [...this.sessions.values()].filter((one) => one.user === session.user);
    if (method === "GET") {
      const shown = mine.map((one) => ({
        id: one.id,
        started_at: iso(one.started),
        last_input_at: iso(one.last),
        ends_at: iso(one.last + this.endsMs),
        station_id: null,
        address: "127.0.0.1",
        factors: one.factors,
        current: one === session,
      }));
      return { body: { sessions: shown } };
    }
    const id = path.split("/").at(-1);
    const gone = mine.filter((one) => (id === "others" ? one !== session : one.id === id));
    if (gone.length === 0 && id !== "others") refuse(404, "not_found");
    for (const one of gone) this.end(one);
    return { status: 204 };
  }

  /** Ends every other session, and gives this one another token. */
  #alone({ session, station, cookies }) {
    for (const one of [...this.sessions.values()]) if (one.user === session.user && one !== session) this.end(one);
    return { body: this.view({ session, station }), cookies: this.turn(cookies, session) };
  }

  #me(asked) {
    const { method, path, body, session } = asked;
    if (session.steppedUp < Date.now()) refuse(403, "step_up_needed");
    switch (`${method} ${path}`) {
      case "PUT /api/me/password":
        weak(body.password);
        return this.#alone(asked);
      case "PUT /api/me/pin":
        if (!/^[0-9]{6,12}$/.test(body.pin) || body.pin === "123456") refuse(400, "weak_pin", "a PIN that many have");
        return { status: 204 };
      case "POST /api/me/totp":
        return { body: { secret: "GEZDGNBVGY3TQOJQ", uri: "otpauth://totp/Vigil:lee?secret=GEZDGNBVGY3TQOJQ" } };
      case "PUT /api/me/totp":
        if (body.code !== CODE) refuse(401, "wrong_code");
        return this.#alone(asked);
      case "POST /api/me/recovery-codes":
        return { body: { codes: tenCodes() } };
      default:
        return refuse(404, "not_found");
    }
  }

  #station({ path, body, station }) {
    if (path === "/api/station/renew") {
      if (!station) refuse(401, "no_station");
      station.token = randomBytes(16).toString("hex");
      return { body: this.view({ session: null, station }).station, cookies: { station: station.token } };
    }
    const found = this.stations.find((one) => one.code === body.code && !one.revoked) ?? refuse(404, "unknown_code");
    Object.assign(found, { code: null, token: randomBytes(16).toString("hex") });
    return { body: this.view({ session: null, station: found }).station, cookies: { station: found.token } };
  }
}

function weak(password) {
  if (password.length < 12 || password === "passwordpassword") {
    refuse(400, "weak_password", "this password is one of the most used");
  }
}

function tenCodes() {
  return Array.from({ length: 10 }, () => randomBytes(5).toString("hex"));
}
