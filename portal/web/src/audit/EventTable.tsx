import { Button, Table } from "@mantine/core";
import type { AuditEvent } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { what, who } from "./words.ts";

interface Props {
  events: readonly AuditEvent[];
  onUser: (user: string) => void;
}

/** Events as they were written down. */
export function EventTable({ events, onUser }: Props) {
  return (
    <div className="table">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">When</Table.Th>
            <Table.Th scope="col">Who</Table.Th>
            <Table.Th scope="col">What</Table.Th>
            <Table.Th scope="col">Outcome</Table.Th>
            <Table.Th scope="col">From</Table.Th>
            <Table.Th scope="col">Patients</Table.Th>
            <Table.Th scope="col">Details</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.id}>
              <Table.Th scope="row">{dateTime(event.at)}</Table.Th>
              <Table.Td>
                <Who event={event} onUser={onUser} />
              </Table.Td>
              <Table.Td>{what(event)}</Table.Td>
              <Table.Td>{event.outcome}</Table.Td>
              <Table.Td>{event.address ?? (event.station ? "a station" : "–")}</Table.Td>
              <Table.Td>
                <Patients event={event} />
              </Table.Td>
              <Table.Td>{event.detail ?? "–"}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Who({ event, onUser }: { event: AuditEvent; onUser: (user: string) => void }) {
  const { user, role } = event;
  if (!user) return who(event);
  return (
    <>
      <Button
        variant="default"
        size="sm"
        aria-label={`Only ${who(event)}, ${dateTime(event.at)}`}
        onClick={() => onUser(user)}
      >
        {who(event)}
      </Button>{" "}
      {role?.replaceAll("_", " ")}
    </>
  );
}

function Patients({ event }: { event: AuditEvent }) {
  const [first, ...more] = event.patients;
  if (first === undefined) return "–";
  if (more.length === 0) return first;
  return (
    <details>
      <summary>{event.patients.length} patients</summary>
      {event.patients.map((patient) => (
        <div key={patient}>{patient}</div>
      ))}
    </details>
  );
}
