import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";
import { beginWelcome } from "../api/account.ts";
import type { SeedShown } from "../api/types.gen.ts";
import { onFields } from "../ui/form.ts";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";

/** The first step of an invitation: a password, and for the first administrator a name. */
export function NameForm({
  token,
  first,
  onSeed,
}: {
  token: string;
  first: boolean;
  onSeed: (seed: SeedShown) => void;
}) {
  const form = useRef<HTMLFormElement>(null);
  const { send, sending, problem } = useSend(beginWelcome, onSeed);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const submit = onFields((text) => {
    const names = first ? { login: text("login").trim(), display_name: text("display_name").trim() } : {};
    void send({ token, password: text("password"), ...names });
  });
  return (
    <>
      <Problem error={problem} title="Not accepted" />
      <form ref={form} className="fields" onSubmit={submit}>
        {first && (
          <>
            <TextInput name="display_name" label="Your name" autoComplete="name" maxLength={200} required />
            <TextInput name="login" label="User name" autoComplete="username" autoCapitalize="none" required />
          </>
        )}
        <PasswordInput
          name="password"
          label="New password"
          description="At least 12 characters. Any characters will do; common passwords are refused."
          autoComplete="new-password"
          minLength={12}
          required
        />
        <Button type="submit" loading={sending}>
          Continue
        </Button>
      </form>
    </>
  );
}
