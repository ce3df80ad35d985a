import { element } from "./bars/element.ts";
import type { Station } from "./rt/station.ts";

type Pages = typeof import("./pages/pages.tsx");

/**
 * The wall lives in index.html and needs no framework; every other address belongs to the pages, which are loaded when
 * one is first asked for.
 */
export function followRoutes(station: Station): void {
  const wall = element("wall");
  const page = element("page");
  let pages: Promise<Pages> | undefined;

  const load = () => {
    pages ??= import("./pages/pages.tsx").then((loaded) => {
      loaded.mount(page, station);
      return loaded;
    });
    return pages;
  };

  const show = (path: string) => {
    wall.hidden = path !== "/";
    page.hidden = path === "/";
    if (path === "/") document.title = "Ward · Vigil";
    else load().catch(() => sayNotLoaded(page, () => location.reload()));
  };

  const go = (href: string) => {
    history.pushState(null, "", href);
    show(location.pathname);
    pages?.then((loaded) => loaded.follow()).catch(() => undefined);
    element("main").focus();
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-route]") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.getAttribute("href") ?? "/");
  });
  addEventListener("popstate", () => show(location.pathname));
  show(location.pathname);
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
