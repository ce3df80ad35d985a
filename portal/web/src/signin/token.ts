/** The token of `/welcome#TOKEN`, once: it leaves the address, so that no history or screenshot keeps it. */
export function takeToken(): string | null {
  const token = location.hash.slice(1);
  if (token === "") return null;
  history.replaceState(null, "", location.pathname);
  return token;
}
