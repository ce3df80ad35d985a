import { useState } from "react";
import { grants } from "../api/people.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { More } from "../ui/More.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { useHere } from "../ui/useHere.ts";
import { usePaged } from "../ui/usePaged.ts";
import { GrantSection } from "./GrantSection.tsx";
import { GrantTable } from "./GrantTable.tsx";
import { usePeople } from "./people.ts";

/** What one person may do, and may have done. */
export function UserPage({ id }: { id: string }) {
  const { find } = usePeople();
  const me = useHere().user?.id;
  const [said, setSaid] = useState("");
  const queryKey = ["grants", id];
  const query = usePaged(
    queryKey,
    (cursor, signal) => grants({ user: id, state: "all" }, cursor, signal),
    (page) => page.grants,
  );
  const user = find(id);
  return (
    <Page title={user?.display_name ?? "One user"}>
      <p>
        {user ? `User name ${user.login}, ${user.status}. ` : `Identifier ${id}. `}
        <a href="/admin/users" data-route>
          All users
        </a>
      </p>
      {id === me ? (
        <p>This is you. What you may do is decided by other administrators.</p>
      ) : (
        <GrantSection user={id} onGranted={setSaid} />
      )}
      <p role="status">{said}</p>
      <Section title="Roles">
        <Loaded
          query={query}
          queryKey={queryKey}
          what="the roles"
          empty={(rows) =>
            rows.length === 0 ? "No role was ever granted. Without one this person may do nothing." : null
          }
        >
          {(rows) => <GrantTable grants={rows} withUser={false} />}
        </Loaded>
        <More query={query} what="roles" />
      </Section>
    </Page>
  );
}
