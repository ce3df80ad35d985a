import { Button, Group, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import * as api from "../api/identity.ts";
import { CodeField } from "../ui/CodeField.tsx";
import { onFields } from "../ui/form.ts";
import { Problem } from "../ui/Problem.tsx";
import { useHere, useWatch } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";

/** The second factor: the authenticator's code, or a recovery code for who has lost it. */
export function CodeForm() {
  const { user } = useHere();
  const watch = useWatch();
  const [recovery, setRecovery] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { send, sending, problem } = useSend(api.secondFactor, (said) => watch.take(said));
  const back = useSend(
    async () => {
      await api.signOut();
      return await api.session();
    },
    (said) => watch.take(said),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the field changes with the kind of code
  useEffect(() => field.current?.focus(), [recovery]);

  return (
    <>
      {user && <p>Signing in as {user.login}.</p>}
      <Problem error={problem ?? back.problem} title="Not signed in" />
      <form
        className="fields"
        onSubmit={onFields((text, form) => void send(text("code").trim()).then(() => form.reset()))}
      >
        {recovery ? (
          <TextInput key="recovery" ref={field} name="code" label="Recovery code" autoComplete="off" required />
        ) : (
          <CodeField key="code" ref={field} />
        )}
        <Button type="submit" loading={sending}>
          Sign in
        </Button>
      </form>
      <Group>
        <Button variant="default" onClick={() => setRecovery(!recovery)}>
          {recovery ? "Use the authenticator" : "Use a recovery code"}
        </Button>
        <Button variant="default" loading={back.sending} onClick={() => back.send()}>
          Somebody else
        </Button>
      </Group>
    </>
  );
}
