import { Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { SeedShown } from "../api/types.gen.ts";
import { CodeField } from "../ui/CodeField.tsx";
import { onFields } from "../ui/form.ts";
import { inFours } from "../ui/words.ts";
import { QrCode } from "./QrCode.tsx";

interface Props {
  seed: SeedShown;
  sending: boolean;
  onCode: (code: string) => void;
}

/** A new authenticator: its secret to scan, to open or to type, and its first code as a proof that it is there. */
export function Authenticator({ seed, sending, onCode }: Props) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus(), []);
  return (
    <>
      <h2 ref={head} tabIndex={-1}>
        Set up your authenticator
      </h2>
      <p>
        Scan this with an authenticator app on your phone. On the phone itself you can{" "}
        <a href={seed.uri}>open it in the app</a>.
      </p>
      <QrCode text={seed.uri} label="QR code of the key below" />
      <p>Or type the key in: time based, 6 digits.</p>
      <ul className="secret">
        <li>
          <code data-testid="secret">{inFours(seed.secret)}</code>
        </li>
      </ul>
      <form
        className="fields"
        onSubmit={onFields((text, form) => {
          onCode(text("code").trim());
          form.reset();
        })}
      >
        <CodeField label="The code that it shows now" />
        <Button type="submit" loading={sending}>
          Confirm
        </Button>
      </form>
    </>
  );
}
