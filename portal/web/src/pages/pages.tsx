import "@mantine/core/styles.layer.css";
import "uplot/dist/uPlot.min.css";
import "../trend/trend.css";
import "./pages.css";
import { createTheme, MantineProvider } from "@mantine/core";
import { focusManager, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { Refused } from "../api/refused.ts";
import type { Station } from "../rt/station.ts";
import type { SessionWatch } from "../session/session.ts";
import { Here } from "../ui/useHere.ts";
import { pageRouter } from "./router.tsx";

/** Mantine's greys from text to ground, as tokens.css has them; the fifth draws borders, at 3:1 on a tile. */
const THEME = createTheme({
  colors: {
    dark: [
      "#f5f7fa",
      "#d5dbe2",
      "#a9b4c0",
      "#8a95a1",
      "#6b7885",
      "#2a3541",
      "#1c2530",
      "#0b1016",
      "#090d12",
      "#06090d",
    ],
  },
});

let router: ReturnType<typeof pageRouter> | undefined;

/** Once more where that may help: an answer that said no says it again, and ten seconds were enough. */
function again(failures: number, error: unknown): boolean {
  return failures < 1 && error instanceof Refused && (error.code === "unreachable" || error.status === 503);
}

/** Puts the pages into their place in index.html. */
export function mount(host: HTMLElement, station: Station, session: SessionWatch): void {
  router = pageRouter(station);
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: again, staleTime: 5_000, networkMode: "always" } },
  });
  let user = session.shown()?.user?.id;
  session.subscribe(() => {
    const shown = session.shown();
    // A locked screen asks for nothing: it would be refused.
    focusManager.setFocused(shown?.state === "locked" ? false : undefined);
    if (user !== undefined && shown?.user?.id !== user) queries.clear();
    user = shown?.user?.id;
  });
  createRoot(host).render(
    <MantineProvider theme={THEME} forceColorScheme="dark">
      <QueryClientProvider client={queries}>
        <Here value={session}>
          <RouterProvider router={router} />
        </Here>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

/** The address changed outside of the router. */
export function follow(): void {
  router?.history.notify({ type: "PUSH" });
}
