import { Button, Group, NativeSelect, Table } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { newCode, revokeStation, setPrivacy, stations } from "../api/stations.ts";
import type { CodeGiven, StationPrivacy, StationView } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { Sure } from "../ui/Sure.tsx";
import { useSend } from "../ui/useSend.ts";
import { MODES, PRIVACIES } from "./choices.ts";
import { NewStationSection } from "./NewStationSection.tsx";
import { StationCodeOnce } from "./StationCodeOnce.tsx";

const KEY = ["stations"] as const;

function state(station: StationView): string {
  if (station.revoked) return "revoked";
  if (!station.enrolled) return "waits for its code";
  return station.expires_at ? `enrolled until ${dateTime(station.expires_at)}` : "enrolled";
}

/** The screens that belong to places. */
export function StationsPage() {
  const queries = useQueryClient();
  const again = () => void queries.invalidateQueries({ queryKey: KEY });
  const [made, setMade] = useState<CodeGiven | null>(null);
  const coded = (code: CodeGiven) => {
    setMade(code);
    again();
  };
  const query = useQuery({ queryKey: KEY, queryFn: ({ signal }) => stations(signal) });
  return (
    <Page title="Stations">
      {made ? <StationCodeOnce made={made} onDone={() => setMade(null)} /> : <NewStationSection onMade={coded} />}
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
          {(data) => <Stations rows={data.stations} again={again} coded={coded} />}
        </Loaded>
      </Section>
    </Page>
  );
}

interface StationsProps {
  rows: readonly StationView[];
  again: () => void;
  coded: (code: CodeGiven) => void;
}

function Stations({ rows, again, coded }: StationsProps) {
  const code = useSend(newCode, coded);
  const privacy = useSend(setPrivacy, again);
  const revoke = useSend(revokeStation, again);
  return (
    <>
      <Problem error={privacy.problem ?? revoke.problem ?? code.problem} title="Not changed" />
      <div className="table">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Station</Table.Th>
              <Table.Th scope="col">Kind</Table.Th>
              <Table.Th scope="col">Place</Table.Th>
              <Table.Th scope="col">Names while nobody is signed in</Table.Th>
              <Table.Th scope="col">State</Table.Th>
              <Table.Th scope="col">Change</Table.Th>
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
                    onChange={(event) => void privacy.send(station.id, event.currentTarget.value as StationPrivacy)}
                  />
                </Table.Td>
                <Table.Td>{state(station)}</Table.Td>
                <Table.Td>
                  {!station.revoked && (
                    <Group gap="xs" wrap="nowrap">
                      <Button
                        variant="default"
                        size="sm"
                        disabled={code.sending}
                        aria-label={`New code: ${station.name}`}
                        onClick={() => void code.send(station.id)}
                      >
                        New code
                      </Button>
                      <Sure
                        act="Revoke"
                        of={station.name}
                        really="Yes, revoke"
                        sending={revoke.sending}
                        onSure={() => void revoke.send(station.id)}
                      />
                    </Group>
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
