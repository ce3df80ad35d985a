import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { grant } from "../api/people.ts";
import type { Role } from "../api/types.gen.ts";
import { onFields } from "../ui/form.ts";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";
import { ROLES } from "../ui/words.ts";
import { USERS } from "./people.ts";

const CHOICES = Object.entries(ROLES).map(([value, label]) => ({ value, label }));

function isRole(word: string): word is Role {
  return Object.hasOwn(ROLES, word);
}

/** A role for somebody, which for clinical ones waits for a second administrator. */
export function GrantSection({ user, onGranted }: { user: string; onGranted: (said: string) => void }) {
  const queries = useQueryClient();
  const { send, sending, problem } = useSend(grant, (made) => {
    void queries.invalidateQueries({ queryKey: ["grants"] });
    void queries.invalidateQueries({ queryKey: USERS });
    const what = ROLES[made.role];
    onGranted(
      made.state === "pending"
        ? `${what} is proposed. It holds once another administrator approves it.`
        : `${what} is granted.`,
    );
  });
  const submit = onFields((text) => {
    const [role, until] = [text("role"), text("until")];
    if (!isRole(role)) return;
    void send({
      user_id: user,
      role,
      // To the end of that day, here.
      ...(until ? { until: new Date(`${until}T23:59:59`).toISOString() } : {}),
    });
  });
  return (
    <Section title="Give a role">
      <Problem error={problem} title="Not granted" />
      <form className="across" onSubmit={submit}>
        <NativeSelect name="role" label="Role" data={CHOICES} />
        <TextInput name="until" label="Until, and including" type="date" />
        <Button type="submit" loading={sending}>
          Give
        </Button>
      </form>
      <p>Roles that see patients wait for a second administrator, and so does another administrator.</p>
    </Section>
  );
}
