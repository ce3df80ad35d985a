// What the audit of the made-up ward tells.
import { randomUUID } from "node:crypto";

const MINUTE = 60_000;

export function auditEvents(users, patient) {
  const made = (i, user, over) => ({
    id: randomUUID(),
    at: new Date(Date.now() - i * MINUTE).toISOString(),
    category: "chart",
    action: "R",
    outcome: "success",
    user: user.id,
    user_name: user.display_name,
    role: user.roles[0] ?? null,
    part: null,
    address: "127.0.0.1",
    purpose: "TREAT",
    endpoint: "GET /api/patients/{id}",
    entity_kind: "patient",
    patients: [patient],
    detail: null,
    times: 1,
    ...over,
  });
  const [lee, admin] = users;
  return [
    made(0, lee, { purpose: "BTG", detail: "emergency: unconscious on arrival" }),
    made(1, admin, { category: "rights", action: "C", entity_kind: "role_grant", purpose: "OPS", patients: [] }),
    made(2, lee, { times: 3, patients: [patient, randomUUID()] }),
    ...Array.from({ length: 30 }, (_, i) => made(3 + i, lee, { outcome: i % 7 === 0 ? "refused" : "success" })),
  ];
}

const HEAD = "id,at,action,user\r\n";

/** One page of what was asked for; `file` is the kind of an export. */
export function auditPage(all, query, size) {
  const fits = (event) =>
    (!query.get("user") || event.user === query.get("user")) &&
    (!query.get("patient") || event.patients.includes(query.get("patient"))) &&
    (!query.get("from") || event.at >= query.get("from")) &&
    (!query.get("to") || event.at < query.get("to"));
  const found = all.filter(fits);
  const from = Number(query.get("cursor") ?? 0);
  return { events: found.slice(from, from + size), next: from + size < found.length ? String(from + size) : null };
}

export function auditCsv({ events }) {
  return HEAD + events.map((event) => `${event.id},${event.at},${event.action},${event.user_name}\r\n`).join("");
}
