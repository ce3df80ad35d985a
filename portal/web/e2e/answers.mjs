// What every slice of the made-up API answers with.

export const PLACE = "0190f000-0000-7000-8000-0000000000aa";
export const PATIENT = "0190f000-0000-7000-8000-0000000000bb";

export const iso = (ms) => new Date(ms).toISOString();
export const minutes = (n) => n * 60_000;

export class Problem {
  constructor(status, code, detail = code, retryAfter = null) {
    Object.assign(this, { status, code, detail, retryAfter });
  }
}

export const refuse = (status, code, detail) => {
  throw new Problem(status, code, detail);
};

export function paged(name, rows, query, size) {
  const from = Number(query.get("cursor") ?? 0);
  const next = from + size < rows.length ? String(from + size) : null;
  return { [name]: rows.slice(from, from + size), next };
}
