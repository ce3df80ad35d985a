import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { AccountPage } from "../account/AccountPage.tsx";
import { GrantsPage } from "../admin/GrantsPage.tsx";
import { StationsPage } from "../admin/StationsPage.tsx";
import { UserPage } from "../admin/UserPage.tsx";
import { UsersPage } from "../admin/UsersPage.tsx";
import { AuditPage } from "../audit/AuditPage.tsx";
import { BreakGlassPage } from "../breakglass/BreakGlassPage.tsx";
import { ReviewsPage } from "../breakglass/ReviewsPage.tsx";
import type { Station } from "../rt/station.ts";
import { EnrolPage } from "../signin/EnrolPage.tsx";
import { SignInPage } from "../signin/SignInPage.tsx";
import { WelcomePage } from "../signin/WelcomePage.tsx";
import { rangeOf } from "../trend/ranges.ts";
import { TrendPage } from "../trend/TrendPage.tsx";
import { Page } from "../ui/Page.tsx";
import { Shell } from "./Shell.tsx";

/** Addresses of the pages. `/` is the wall's, which is no page. Who may see which is in navigation/places.ts. */
export function pageRouter(station: Station) {
  const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
  const getParentRoute = () => root;
  const trend = createRoute({
    getParentRoute,
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
  const user = createRoute({
    getParentRoute,
    path: "/admin/users/$user",
    component: function User() {
      const { user: id } = user.useParams();
      return <UserPage key={id} id={id} />;
    },
  });
  const plain = [
    createRoute({ getParentRoute, path: "/", component: () => null }),
    createRoute({ getParentRoute, path: "/sign-in", component: SignInPage }),
    createRoute({ getParentRoute, path: "/welcome", component: WelcomePage }),
    createRoute({ getParentRoute, path: "/station", component: EnrolPage }),
    createRoute({ getParentRoute, path: "/me", component: AccountPage }),
    createRoute({ getParentRoute, path: "/admin/users", component: UsersPage }),
    createRoute({ getParentRoute, path: "/admin/grants", component: GrantsPage }),
    createRoute({ getParentRoute, path: "/admin/stations", component: StationsPage }),
    createRoute({ getParentRoute, path: "/break-glass", component: BreakGlassPage }),
    createRoute({ getParentRoute, path: "/reviews", component: ReviewsPage }),
    createRoute({ getParentRoute, path: "/audit", component: AuditPage }),
  ];
  return createRouter({ routeTree: root.addChildren([trend, user, ...plain]) });
}

function NotFound() {
  return (
    <Page title="No such page" narrow>
      <a href="/" data-route>
        Back to the beginning
      </a>
    </Page>
  );
}
