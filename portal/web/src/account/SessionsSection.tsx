import { Button, Table } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { endSession, ownSessions } from "../api/account.ts";
import type { OwnSession } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";
import { factors } from "../ui/words.ts";

const KEY = ["sessions"] as const;

function where(session: OwnSession): string {
  const place = session.station_id ? "a station" : "another screen";
  return `${session.current ? "this screen" : place}${session.address ? `, ${session.address}` : ""}`;
}

/** Everywhere that this person is signed in. */
export function SessionsSection() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: ({ signal }) => ownSessions(signal) });
  const { send, sending, problem } = useSend(endSession, () => void queries.invalidateQueries({ queryKey: KEY }));
  return (
    <Section title="Where I am signed in">
      <Problem error={problem} title="Not ended" />
      <Loaded query={query} queryKey={KEY} what="your sessions" rows={3}>
        {({ sessions }) => (
          <>
            <div className="table">
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">Where</Table.Th>
                    <Table.Th scope="col">Signed in with</Table.Th>
                    <Table.Th scope="col">Since</Table.Th>
                    <Table.Th scope="col">Last input</Table.Th>
                    <Table.Th scope="col">End</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {sessions.map((session) => (
                    <Table.Tr key={session.id}>
                      <Table.Th scope="row">{where(session)}</Table.Th>
                      <Table.Td>{factors(session.factors)}</Table.Td>
                      <Table.Td>{dateTime(session.started_at)}</Table.Td>
                      <Table.Td>{dateTime(session.last_input_at)}</Table.Td>
                      <Table.Td>
                        {session.current ? (
                          "Use Sign out above"
                        ) : (
                          <Button
                            variant="default"
                            size="sm"
                            disabled={sending}
                            aria-label={`End: ${where(session)}, since ${dateTime(session.started_at)}`}
                            onClick={() => void send(session.id)}
                          >
                            End
                          </Button>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
            {sessions.some((session) => !session.current) ? (
              <Button variant="default" loading={sending} onClick={() => void send("others")}>
                End all others
              </Button>
            ) : (
              <p>You are signed in nowhere else.</p>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}
