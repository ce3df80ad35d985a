import { existsSync } from "node:fs";

export function browserPath() {
  const found = [process.env.VIGIL_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error("no Chromium: install Debian's package chromium, or name one in VIGIL_CHROMIUM");
  return found;
}
