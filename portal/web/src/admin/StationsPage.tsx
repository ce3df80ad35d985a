import { NativeSelect, Table } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { Privacy } from "../api/identity.ts";
import { type EnrolledStation, revokeStation, setPrivacy, stations } from "../api/stations.ts";
import { dateTime } from "../clinical/times.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { Sure } from "../ui/Sure.tsx";
import { useSend } from "../ui/useSend.ts";
import { MODES, PRIVACIES } from "./choices.ts";
import { NewStationSection } from "./NewStationSection.tsx";

const KEY = ["stations"] as const;

function state(station: EnrolledStation): string {
  if (station.revoked) return "revoked";
  if (!station.enrolled) return "waits for its code";
  return station.expires_at ? `enrolled until ${dateTime(station.expires_at)}` : "enrolled";
}

/** The screens that belong to places. */
export function StationsPage() {
  const queries = useQueryClient();
  const again = () => void queries.invalidateQueries({ queryKey: KEY });
  const query = useQuery({ queryKey: KEY, queryFn: ({ signal }) => stations(signal) });
  return (
    <Page title="Stations">
      <NewStationSection onMade={again} />
      <Section title="All stations">
        <Loaded
          query={query}
          queryKey={KEY}
          what="the stations"
          empty={(data) =>
            data.stations.length === 0
              ? "No screen is a station yet, so no alarm is shown where nobody is signed in. Make the first above."
              : null
          }
        >
          {(data) => <Stations rows={data.stations} again={again} />}
        </Loaded>
      </Section>
    </Page>
  );
}

function Stations({ rows, again }: { rows: readonly EnrolledStation[]; again: () => void }) {
  const privacy = useSend(setPrivacy, again);
  const revoke = useSend(revokeStation, again);
  return (
    <>
      <Problem error={privacy.problem ?? revoke.problem} title="Not changed" />
      <div className="table">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Station</Table.Th>
              <Table.Th scope="col">Kind</Table.Th>
              <Table.Th scope="col">Place</Table.Th>
              <Table.Th scope="col">Names while nobody is signed in</Table.Th>
              <Table.Th scope="col">State</Table.Th>
              <Table.Th scope="col">End</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((station) => (
              <Table.Tr key={station.id}>
                <Table.Th scope="row">{station.name}</Table.Th>
                <Table.Td>{MODES[station.mode]}</Table.Td>
                <Table.Td>{station.location_id}</Table.Td>
                <Table.Td>
                  <NativeSelect
                    aria-label={`Names on ${station.name}`}
                    data={PRIVACIES}
                    value={station.privacy}
                    disabled={station.revoked || privacy.sending}
                    onChange={(event) => void privacy.send(station.id, event.currentTarget.value as Privacy)}
                  />
                </Table.Td>
                <Table.Td>{state(station)}</Table.Td>
                <Table.Td>
                  {!station.revoked && (
                    <Sure
                      act="Revoke"
                      of={station.name}
                      really="Yes, revoke"
                      sending={revoke.sending}
                      onSure={() => void revoke.send(station.id)}
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
