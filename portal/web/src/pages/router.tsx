import { createRootRoute, createRoute, createRouter, Outlet } from "@tanstack/react-router";
import type { Station } from "../rt/station.ts";
import { rangeOf } from "../trend/ranges.ts";
import { TrendPage } from "../trend/TrendPage.tsx";

/** Addresses of the pages. `/` is the wall's, which is no page. */
export function pageRouter(station: Station) {
  const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });
  const ward = createRoute({ getParentRoute: () => root, path: "/", component: () => null });
  const trend = createRoute({
    getParentRoute: () => root,
    path: "/devices/$device",
    validateSearch: (search: Record<string, unknown>) => ({ hours: rangeOf(Number(search.hours)).hours }),
    component: function Trend() {
      const { device } = trend.useParams();
      const { hours } = trend.useSearch();
      const navigate = trend.useNavigate();
      return (
        <TrendPage
          key={device}
          station={station}
          device={device}
          hours={hours}
          onHours={(next) => navigate({ search: { hours: next }, replace: true })}
        />
      );
    },
  });
  return createRouter({ routeTree: root.addChildren([ward, trend]) });
}

function NotFound() {
  return (
    <div className="trend">
      <h1>No such page</h1>
      <a href="/" data-route>
        Back to the ward
      </a>
    </div>
  );
}
