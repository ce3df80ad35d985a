import { Table } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { disable } from "../api/people.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { More } from "../ui/More.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { Sure } from "../ui/Sure.tsx";
import { useHere } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";
import { ROLES } from "../ui/words.ts";
import { InviteSection } from "./InviteSection.tsx";
import { USERS, useUsers } from "./people.ts";

/** Who there is, and how somebody new comes in. */
export function UsersPage() {
  const query = useUsers();
  return (
    <Page title="Users">
      <InviteSection />
      <Section title="Everybody">
        <Loaded
          query={query}
          queryKey={USERS}
          what="the users"
          empty={(users) => (users.length === 0 ? "Nobody is here yet. Invite the first person above." : null)}
        >
          {(users) => <Users users={users} />}
        </Loaded>
        <More query={query} what="users" />
      </Section>
    </Page>
  );
}

function Users({ users }: { users: NonNullable<ReturnType<typeof useUsers>["data"]> }) {
  const me = useHere().user?.id;
  const queries = useQueryClient();
  const { send, sending, problem } = useSend(disable, () => void queries.invalidateQueries({ queryKey: USERS }));
  return (
    <>
      <Problem error={problem} title="Not disabled" />
      <div className="table">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Name</Table.Th>
              <Table.Th scope="col">User name</Table.Th>
              <Table.Th scope="col">Roles</Table.Th>
              <Table.Th scope="col">State</Table.Th>
              <Table.Th scope="col">End access</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {users.map((user) => (
              <Table.Tr key={user.id}>
                <Table.Th scope="row">
                  <a href={`/admin/users/${encodeURIComponent(user.id)}`} data-route>
                    {user.display_name}
                  </a>
                </Table.Th>
                <Table.Td>{user.login}</Table.Td>
                <Table.Td>{user.roles.map((role) => ROLES[role]).join(", ") || "none"}</Table.Td>
                <Table.Td>{user.status}</Table.Td>
                <Table.Td>
                  {user.status === "disabled" || user.id === me ? (
                    "–"
                  ) : (
                    <Sure
                      act="Disable"
                      of={user.display_name}
                      really="Yes, disable"
                      sending={sending}
                      onSure={() => void send(user.id)}
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </>
  );
}
