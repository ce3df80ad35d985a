import { Button } from "@mantine/core";
import { useState } from "react";
import { beginTotp, finishTotp } from "../api/account.ts";
import type { SeedShown } from "../api/types.gen.ts";
import { Authenticator } from "../signin/Authenticator.tsx";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useWatch } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";

/** Another authenticator instead of the present one, which holds until the new one has proven itself. */
export function AuthenticatorSection() {
  const [seed, setSeed] = useState<SeedShown | null>(null);
  const [changed, setChanged] = useState(false);
  const begin = useSend(beginTotp, (made) => {
    setChanged(false);
    setSeed(made);
  });
  const watch = useWatch();
  const finish = useSend(finishTotp, (session) => {
    watch.take(session);
    setSeed(null);
    setChanged(true);
  });
  return (
    <Section title="Authenticator">
      <Problem error={begin.problem ?? finish.problem} title="Not changed" />
      {seed ? (
        <>
          <Authenticator seed={seed} sending={finish.sending} onCode={(code) => void finish.send(code)} />
          <div>
            <Button variant="default" onClick={() => setSeed(null)}>
              Keep the old one
            </Button>
          </div>
        </>
      ) : (
        <>
          <p>The old one holds until the new one has given its first code. You are signed out everywhere else then.</p>
          <div>
            <Button variant="default" loading={begin.sending} onClick={() => void begin.send()}>
              Change the authenticator
            </Button>
          </div>
        </>
      )}
      <p role="status">{changed && "The new authenticator holds from now on."}</p>
    </Section>
  );
}
