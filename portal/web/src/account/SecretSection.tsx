import { Button, PasswordInput } from "@mantine/core";
import { type ComponentProps, useState } from "react";
import { onFields } from "../ui/form.ts";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";

interface Props {
  title: string;
  field: ComponentProps<typeof PasswordInput>;
  act: string;
  /** What is said once it holds. */
  holds: string;
  change: (secret: string) => Promise<unknown>;
}

/** A new password or PIN. */
export function SecretSection({ title, field, act, holds, change }: Props) {
  const [changed, setChanged] = useState(false);
  const { send, sending, problem } = useSend(
    async (secret: string, form: HTMLFormElement) => {
      setChanged(false);
      await change(secret);
      return form;
    },
    (form) => {
      form.reset();
      setChanged(true);
    },
  );
  return (
    <Section title={title}>
      <Problem error={problem} title="Not changed" />
      <form className="fields" onSubmit={onFields((text, form) => void send(text("secret"), form))}>
        <PasswordInput name="secret" required {...field} />
        <Button type="submit" loading={sending}>
          {act}
        </Button>
      </form>
      <p role="status">{changed && holds}</p>
    </Section>
  );
}
