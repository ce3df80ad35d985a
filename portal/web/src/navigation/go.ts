/** Changes the address within the page; whoever follows routes hears it. */
export const ROUTE = "vigil:route";

/** Where somebody wanted to go before signing in. Kept here and not in the address, and gone with the page. */
let wanted: string | null = null;

export function go(path: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", path);
  else history.replaceState(null, "", path);
  dispatchEvent(new Event(ROUTE));
}

export function want(path: string | null): void {
  wanted = path;
}

/** The wish, once. */
export function takeWanted(): string | null {
  const path = wanted;
  wanted = null;
  return path;
}
