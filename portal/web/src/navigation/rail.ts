import type { SessionView } from "../api/types.gen.ts";
import { element } from "../bars/element.ts";
import { placeOf, rail } from "./places.ts";

/** Links to what this person may open. */
export function paintRail(session: SessionView | null, path: string): void {
  const host = element("rail");
  const places = session === null ? [] : rail(session);
  const key = places.map((place) => place.path).join();
  if (host.dataset.key !== key) {
    host.dataset.key = key;
    host.replaceChildren(
      ...places.map((place) => {
        const link = document.createElement("a");
        link.href = place.path;
        link.dataset.route = "";
        link.textContent = place.label;
        return link;
      }),
    );
  }
  host.hidden = places.length === 0;
  const here = placeOf(path)?.path;
  for (const link of host.querySelectorAll("a")) {
    link.ariaCurrent = link.getAttribute("href") === here ? "page" : null;
  }
}
