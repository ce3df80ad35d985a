import { grants } from "../api/people.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { More } from "../ui/More.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { usePaged } from "../ui/usePaged.ts";
import { GrantTable } from "./GrantTable.tsx";

const KEY = ["grants", "pending"] as const;

/** Roles that wait for a second administrator. */
export function GrantsPage() {
  const query = usePaged(
    KEY,
    (cursor, signal) => grants({ state: "pending" }, cursor, signal),
    (page) => page.grants,
  );
  return (
    <Page title="Approvals">
      <Section title="Roles that wait for a second administrator">
        <Loaded
          query={query}
          queryKey={KEY}
          what="what waits"
          empty={(rows) =>
            rows.length === 0 ? (
              <p>
                Nothing waits. Roles are proposed on a person's page, under{" "}
                <a href="/admin/users" data-route>
                  Users
                </a>
                .
              </p>
            ) : null
          }
        >
          {(rows) => <GrantTable grants={rows} withUser />}
        </Loaded>
        <More query={query} what="roles" />
      </Section>
    </Page>
  );
}
