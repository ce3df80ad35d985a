import { Outlet, useLocation } from "@tanstack/react-router";
import { useRef, useSyncExternalStore } from "react";
import { admit } from "../navigation/places.ts";
import { Forbidden } from "../ui/Forbidden.tsx";
import { Page } from "../ui/Page.tsx";
import { StepUpDialog } from "../ui/StepUpDialog.tsx";
import { stepUp } from "../ui/stepUp.ts";
import { useHere } from "../ui/useHere.ts";

/** Counts those who left: what one person typed or saw is gone before the next one comes. */
function useDepartures(user: string | undefined): number {
  const seen = useRef<{ user: string | undefined; left: number }>({ user, left: 0 });
  if (seen.current.user !== user) {
    seen.current = { user, left: seen.current.left + (seen.current.user === undefined ? 0 : 1) };
  }
  return seen.current.left;
}

/** Around every page: whether it is for this person, and the question whether it is them. */
export function Shell() {
  const session = useHere();
  const path = useLocation({ select: (location) => location.pathname });
  const asking = useSyncExternalStore(stepUp.subscribe, stepUp.shown);
  const departures = useDepartures(session.user?.id);
  // A lock hides the page (routes.ts) and keeps it as it is.
  const admission = session.state === "locked" ? null : admit(path, session);

  return (
    <div className="shell" key={departures}>
      <div inert={asking}>
        {admission?.show === "forbidden" && (
          <Page title="Not for you" narrow>
            <Forbidden missing={admission.missing} />
          </Page>
        )}
        {(admission === null || admission.show === "page") && <Outlet />}
      </div>
      {asking && <StepUpDialog />}
    </div>
  );
}
