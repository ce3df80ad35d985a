import { ask, askText } from "./http.ts";
import type { Next } from "./people.ts";
import type { AuditEvents } from "./types.gen.ts";

/** What is looked for; everything given must hold. */
export type AuditSearch = {
  user?: string;
  patient?: string;
  /** RFC 3339, inclusive. */
  from?: string;
  /** RFC 3339, exclusive. */
  to?: string;
};

export type Format = "csv" | "json";

const SEARCH = { needs: "search_audit" } as const;
const EXPORT = { needs: "export_audit" } as const;

/** Pages of 5,000 events in one file: more is for `vigil audit`, on the host. */
const PAGES = 20;

export const events = (search: AuditSearch, cursor: Next, signal: AbortSignal) =>
  ask<AuditEvents>("/api/audit", { ...SEARCH, query: { ...search, cursor }, signal });

/** Six years back unless `from` says otherwise. */
export const disclosures = ({ patient = "", from, to }: AuditSearch, cursor: Next, signal: AbortSignal) =>
  ask<AuditEvents>(`/api/disclosures/${encodeURIComponent(patient)}`, {
    ...SEARCH,
    query: { from, to, cursor },
    signal,
  });

/** One page of a file: its lines, and where the next begins. */
async function page(query: AuditSearch & { cursor: Next }, format: Format, first: boolean): Promise<[string[], Next]> {
  if (format === "json") {
    const { events: found, next } = await ask<AuditEvents>("/api/audit/export.json", { ...EXPORT, query });
    return [found.map((event) => `${JSON.stringify(event)}\n`), next];
  }
  const { text, next } = await askText("/api/audit/export.csv", { ...EXPORT, query });
  // Each page begins with the names of the columns.
  return [[first ? text : text.slice(text.indexOf("\n") + 1)], next];
}

/** What was found as one file, and whether it is all. */
export async function exported(search: AuditSearch, format: Format): Promise<{ parts: string[]; whole: boolean }> {
  const parts: string[] = [];
  let cursor: Next = null;
  for (let count = 0; count < PAGES; count += 1) {
    const [lines, next]: [string[], Next] = await page({ ...search, cursor }, format, count === 0);
    parts.push(...lines);
    if (!next) return { parts, whole: true };
    cursor = next;
  }
  return { parts, whole: false };
}
