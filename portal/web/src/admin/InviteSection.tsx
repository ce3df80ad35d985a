import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { invite } from "../api/people.ts";
import type { Invited } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { onFields } from "../ui/form.ts";
import { Once } from "../ui/Once.tsx";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";
import { USERS } from "./people.ts";

/** A new user, and the link by which that person sets a password. */
export function InviteSection() {
  const [made, setMade] = useState<Invited | null>(null);
  const queries = useQueryClient();
  const { send, sending, problem } = useSend(invite, (invitation) => {
    setMade(invitation);
    void queries.invalidateQueries({ queryKey: USERS });
  });
  if (made) {
    return (
      <Once
        title={`The link for ${made.user.display_name}`}
        says={`Hand it over yourself. It is good once, until ${dateTime(made.expires_at)}, and is not shown again.`}
        secret={[`${location.origin}/welcome#${made.token}`]}
        done="I have handed it over"
        onDone={() => setMade(null)}
      />
    );
  }
  return (
    <Section title="Invite somebody">
      <Problem error={problem} title="Not invited" />
      <form
        className="across"
        onSubmit={onFields((text) => void send(text("login").trim(), text("display_name").trim()))}
      >
        <TextInput name="display_name" label="Name" autoComplete="off" maxLength={200} required />
        <TextInput name="login" label="User name" autoComplete="off" autoCapitalize="none" required />
        <Button type="submit" loading={sending}>
          Invite
        </Button>
      </form>
    </Section>
  );
}
