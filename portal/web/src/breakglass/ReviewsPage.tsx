import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { accesses } from "../api/breakGlass.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { More } from "../ui/More.tsx";
import { Page } from "../ui/Page.tsx";
import { usePaged } from "../ui/usePaged.ts";
import { AccessCard } from "./AccessCard.tsx";

const STATES = [
  { value: "unreviewed", label: "To review" },
  { value: "all", label: "All" },
] as const;

/** Records that were opened in an emergency, each to be reviewed by a named person within 72 h. */
export function ReviewsPage() {
  const [state, setState] = useState<"unreviewed" | "all">("unreviewed");
  const queryKey = ["accesses", state];
  const query = usePaged(
    queryKey,
    (cursor, signal) => accesses(state, cursor, signal),
    (page) => page.accesses,
  );
  return (
    <Page title="Access reviews">
      <div>
        <SegmentedControl
          aria-label="Which"
          data={[...STATES]}
          value={state}
          onChange={(value) => setState(value === "all" ? "all" : "unreviewed")}
        />
      </div>
      <Loaded
        query={query}
        queryKey={queryKey}
        what="the accesses"
        empty={(rows) =>
          rows.length > 0
            ? null
            : state === "unreviewed"
              ? "Nothing waits for review. Accesses appear here as soon as somebody opens a record in an emergency."
              : "No record was ever opened in an emergency."
        }
      >
        {(rows) => rows.map((access) => <AccessCard key={access.id} access={access} />)}
      </Loaded>
      <More query={query} what="accesses" />
    </Page>
  );
}
