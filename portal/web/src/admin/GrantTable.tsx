import { Button, Group, Table } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { approve, endGrant } from "../api/people.ts";
import type { Grant } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { Problem } from "../ui/Problem.tsx";
import { Sure } from "../ui/Sure.tsx";
import { useHere } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";
import { ROLES } from "../ui/words.ts";
import { USERS, usePeople } from "./people.ts";
import { whoMay } from "./whoMay.ts";

/** Roles as they were given, with what this administrator may do about each. */
export function GrantTable({ grants, withUser }: { grants: readonly Grant[]; withUser: boolean }) {
  const people = usePeople();
  const queries = useQueryClient();
  const again = () => {
    void queries.invalidateQueries({ queryKey: ["grants"] });
    void queries.invalidateQueries({ queryKey: USERS });
  };
  const approving = useSend(approve, again);
  const ending = useSend(endGrant, again);
  return (
    <>
      <Problem error={approving.problem ?? ending.problem} title="Not done" />
      <div className="table">
        <Table>
          <Table.Thead>
            <Table.Tr>
              {withUser && <Table.Th scope="col">Person</Table.Th>}
              <Table.Th scope="col">Role</Table.Th>
              <Table.Th scope="col">Place</Table.Th>
              <Table.Th scope="col">From</Table.Th>
              <Table.Th scope="col">Until</Table.Th>
              <Table.Th scope="col">Proposed by</Table.Th>
              <Table.Th scope="col">Approved by</Table.Th>
              <Table.Th scope="col">State</Table.Th>
              <Table.Th scope="col">Decide</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {grants.map((grant) => (
              <Table.Tr key={grant.id}>
                {withUser && <Table.Th scope="row">{people.name(grant.user_id)}</Table.Th>}
                <Table.Td>{ROLES[grant.role]}</Table.Td>
                <Table.Td>{grant.location_id ?? "everywhere"}</Table.Td>
                <Table.Td>{dateTime(grant.from)}</Table.Td>
                <Table.Td>{grant.until ? dateTime(grant.until) : "open"}</Table.Td>
                <Table.Td>{people.name(grant.granted_by)}</Table.Td>
                <Table.Td>{grant.approved_by ? people.name(grant.approved_by) : "–"}</Table.Td>
                <Table.Td>{grant.state}</Table.Td>
                <Table.Td>
                  <Decide
                    grant={grant}
                    of={`${ROLES[grant.role]} for ${people.name(grant.user_id)}`}
                    sending={approving.sending || ending.sending}
                    onApprove={() => void approving.send(grant.id)}
                    onEnd={() => void ending.send(grant.id)}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </>
  );
}

interface DecideProps {
  grant: Grant;
  of: string;
  sending: boolean;
  onApprove: () => void;
  onEnd: () => void;
}

function Decide({ grant, of, sending, onApprove, onEnd }: DecideProps) {
  const me = useHere().user?.id;
  const may = whoMay(grant, me);
  return (
    <Group gap="xs" wrap="nowrap">
      {may.approve && (
        <Button size="sm" loading={sending} aria-label={`Approve: ${of}`} onClick={onApprove}>
          Approve
        </Button>
      )}
      {may.end && (
        <Sure
          act={grant.state === "pending" ? "Refuse" : "End"}
          of={of}
          really={grant.state === "pending" ? "Yes, refuse" : "Yes, end"}
          sending={sending}
          onSure={onEnd}
        />
      )}
      {may.why}
    </Group>
  );
}
