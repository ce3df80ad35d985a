import { element } from "./bars/element.ts";
import { go, ROUTE, takeWanted, want } from "./navigation/go.ts";
import { admit, SIGN_IN, WARD } from "./navigation/places.ts";
import { paintRail } from "./navigation/rail.ts";
import type { Station } from "./rt/station.ts";
import type { SessionWatch } from "./session/session.ts";

type Pages = typeof import("./pages/pages.tsx");

/**
 * The wall lives in index.html and needs no framework; every other address belongs to the pages, which are loaded when
 * one is first asked for.
 */
export function followRoutes(station: Station, session: SessionWatch): void {
  const wall = element("wall");
  const page = element("page");
  let pages: Promise<Pages> | undefined;

  const load = () => {
    pages ??= import("./pages/pages.tsx").then((loaded) => {
      loaded.mount(page, station, session);
      return loaded;
    });
    pages.catch(() => sayNotLoaded(page, () => location.reload()));
  };

  const show = () => {
    const path = location.pathname;
    const shown = session.shown();
    const admission = admit(path, shown);
    if (admission.show === "go") {
      if (admission.to === SIGN_IN) want(path === WARD ? null : path);
      go(path === SIGN_IN ? (takeWanted() ?? admission.to) : admission.to, "replace");
      return;
    }
    const onWall = admission.show === "wall";
    wall.hidden = !onWall;
    // Hidden, not taken down: what somebody was writing is there after unlocking.
    page.hidden = onWall || admission.show === "wait";
    paintRail(shown, path);
    if (onWall && path === WARD) document.title = "Ward · Vigil";
    if (!page.hidden) load();
  };

  const arrived = () => {
    show();
    // A page that begins with a field takes the focus on to it.
    element("main").focus();
    pages?.then((loaded) => loaded.follow()).catch(() => undefined);
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-route]") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.getAttribute("href") ?? WARD);
  });
  addEventListener(ROUTE, arrived);
  addEventListener("popstate", show);
  session.subscribe(show);
  show();
}

function sayNotLoaded(page: HTMLElement, retry: () => void): void {
  const says = document.createElement("p");
  says.className = "says";
  says.textContent = "This page could not be loaded. The wall and its alarms go on. ";
  const button = document.createElement("button");
  button.textContent = "Try again";
  button.onclick = retry;
  says.append(button);
  page.replaceChildren(says);
}
