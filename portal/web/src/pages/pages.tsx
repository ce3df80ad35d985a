import "@mantine/core/styles.layer.css";
import "uplot/dist/uPlot.min.css";
import "../trend/trend.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import type { Station } from "../rt/station.ts";
import { pageRouter } from "./router.tsx";

let router: ReturnType<typeof pageRouter> | undefined;

/** Puts the pages into their place in index.html. */
export function mount(host: HTMLElement, station: Station): void {
  router = pageRouter(station);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, staleTime: 5_000 } } });
  createRoot(host).render(
    <MantineProvider forceColorScheme="dark">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

/** The address changed outside of the router. */
export function follow(): void {
  router?.history.notify({ type: "PUSH" });
}
