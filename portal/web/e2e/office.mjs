// The part of the made-up API that administrators, auditors and reviewers ask: users, grants, stations, accesses, audit.
import { randomBytes, randomUUID } from "node:crypto";
import { iso, minutes, PATIENT, PLACE, paged, refuse } from "./answers.mjs";
import { auditCsv, auditPage } from "./audit.mjs";

const TWO_PERSONS = new Set(["nurse", "charge_nurse", "physician"]);

function needs(identity, session, permission) {
  if (!identity.permissions(session).includes(permission)) refuse(403, "missing_permission");
}

export function users(identity, { method, path, query, body, session }) {
  needs(identity, session, "manage_users");
  if (method === "GET") return { body: paged("users", identity.users, query, 5) };
  if (path === "/api/users") {
    if (identity.user(body.login)) refuse(409, "login_taken");
    const user = { id: randomUUID(), ...body, status: "invited", roles: [] };
    identity.users.push(user);
    const token = identity.link("invitation", body.login);
    return { status: 201, body: { user, token, expires_at: iso(Date.now() + minutes(1440)) } };
  }
  const user = identity.users.find((one) => path === `/api/users/${one.id}/disable`) ?? refuse(404, "not_found");
  if (user === session.user) refuse(403, "own_account");
  user.status = "disabled";
  for (const one of [...identity.sessions.values()]) if (one.user === user) identity.end(one);
  return { body: user };
}

export function grants(identity, { method, path, query, body, session }) {
  needs(identity, session, "manage_grants");
  const me = session.user.id;
  if (method === "GET") {
    const wanted = identity.grants.filter(
      (one) =>
        (!query.get("user") || one.user_id === query.get("user")) &&
        (query.get("state") === "all" || one.state === "pending"),
    );
    return { body: paged("grants", wanted, query, 20) };
  }
  if (path === "/api/grants") {
    if (body.user_id === me) refuse(403, "own_grants");
    const user = identity.users.find((one) => one.id === body.user_id) ?? refuse(404, "not_found");
    if (user.roles.includes(body.role)) refuse(409, "granted_already");
    const pending = TWO_PERSONS.has(body.role) || body.role === "administrator";
    if (!pending) user.roles.push(body.role);
    const grant = identity.propose(user, body.role, session.user, pending ? "pending" : "active");
    return { status: 201, body: Object.assign(grant, { until: body.until }) };
  }
  const grant = identity.grants.find((one) => path.includes(one.id)) ?? refuse(404, "not_found");
  if (grant.user_id === me) refuse(403, "own_grants");
  if (method === "DELETE") {
    grant.state = "ended";
    return { status: 204 };
  }
  if (grant.granted_by === me) refuse(403, "own_proposal");
  if (grant.state !== "pending") refuse(409, "not_pending");
  Object.assign(grant, { state: "active", approved_by: me });
  identity.users.find((one) => one.id === grant.user_id).roles.push(grant.role);
  return { body: grant };
}

export function breakGlass(identity, { method, path, query, body, session, cookies }) {
  if (method === "POST" && path === "/api/break-glass") {
    needs(identity, session, "break_glass");
    if (session.steppedUp < Date.now()) refuse(403, "step_up_needed");
    if (body.patient_id !== PATIENT) refuse(404, "not_found");
    const { id, patient_id, until } = Object.assign(identity.access(session.user), body);
    return { status: 201, body: { id, patient_id, until }, cookies: identity.turn(cookies, session) };
  }
  needs(identity, session, "review_break_glass");
  if (method === "GET") {
    const wanted = identity.accesses.filter((one) => query.get("state") === "all" || !one.reviewed_at);
    return { body: paged("accesses", wanted, query, 20) };
  }
  const access = identity.accesses.find((one) => path.includes(one.id)) ?? refuse(404, "not_found");
  if (access.reviewed_at) refuse(409, "reviewed_already");
  if (!["justified", "unjustified"].includes(body.review)) refuse(400, "invalid_body");
  if (access.user_id === session.user.id) refuse(403, "own_access");
  Object.assign(access, { reviewed_by: session.user.id, reviewed_at: iso(Date.now()), review: body.review });
  return { status: 204 };
}

export function audit(identity, { path, query, session }) {
  const exporting = path.startsWith("/api/audit/export");
  needs(identity, session, exporting ? "export_audit" : "search_audit");
  if (path.startsWith("/api/disclosures/")) query.set("patient", path.split("/").at(-1));
  const page = auditPage(identity.events, query, exporting ? 25 : 20);
  if (!path.endsWith(".csv")) return { body: page };
  return { text: auditCsv(page), headers: page.next ? { "x-next-cursor": page.next } : {} };
}

export function stations(identity, { method, path, body, session }) {
  needs(identity, session, "manage_stations");
  const shown = ({ token: _token, code: _code, ...station }) => ({
    ...station,
    enrolled: Boolean(_token),
    expires_at: _token ? iso(Date.now() + minutes(90 * 1440)) : null,
  });
  if (method === "GET") return { body: { stations: identity.stations.map(shown) } };
  const coded = (station) => {
    station.code = randomBytes(4).toString("hex").toUpperCase();
    const code_expires_at = iso(Date.now() + minutes(10));
    return { status: 201, body: { station: shown(station), code: station.code, code_expires_at } };
  };
  if (path === "/api/stations" && method === "POST") {
    if (body.location_id !== PLACE) refuse(400, "unknown_location");
    const station = { id: randomUUID(), ...body, revoked: false };
    identity.stations.push(station);
    return coded(station);
  }
  const station = identity.stations.find((one) => path.includes(one.id)) ?? refuse(404, "not_found");
  if (method === "POST") return coded(station);
  if (method === "PUT") {
    station.privacy = body.privacy;
    return { body: shown(station) };
  }
  station.revoked = true;
  identity.onEnded(station.id, 4002);
  return { status: 204 };
}
