import { Button } from "@mantine/core";
import { useState } from "react";
import { recoveryCodes } from "../api/account.ts";
import { Once } from "../ui/Once.tsx";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";

/** Ten codes for when the authenticator is lost. */
export function RecoverySection() {
  const [codes, setCodes] = useState<string[] | null>(null);
  const { send, sending, problem } = useSend(recoveryCodes, (made) => setCodes(made.codes));
  return (
    <Section title="Recovery codes">
      <Problem error={problem} title="Not made" />
      {codes ? (
        <Once
          title="Your new recovery codes"
          says="Each signs you in once. They are not shown again: print them or put them into a safe. The older ones are void."
          secret={codes}
          done="I have kept them"
          onDone={() => setCodes(null)}
        />
      ) : (
        <>
          <p>Ten codes, each good once, for when your authenticator is lost. New ones make the older ones void.</p>
          <div>
            <Button variant="default" loading={sending} onClick={() => void send()}>
              Make new recovery codes
            </Button>
          </div>
        </>
      )}
    </Section>
  );
}
