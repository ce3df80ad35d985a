import { finishWelcome } from "../api/account.ts";
import type { SeedShown } from "../api/types.gen.ts";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";
import { Authenticator } from "./Authenticator.tsx";

/** The last step of an invitation. */
export function FinishForm({
  token,
  seed,
  onCodes,
}: {
  token: string;
  seed: SeedShown;
  onCodes: (codes: string[]) => void;
}) {
  const { send, sending, problem } = useSend(finishWelcome, ({ codes }) => onCodes(codes));
  return (
    <>
      <Problem error={problem} title="Not accepted" />
      <Authenticator seed={seed} sending={sending} onCode={(code) => void send(token, code)} />
    </>
  );
}
