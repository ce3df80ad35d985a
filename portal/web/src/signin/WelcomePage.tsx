import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { welcome } from "../api/account.ts";
import type { SeedShown } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { go } from "../navigation/go.ts";
import { home } from "../navigation/places.ts";
import { NOBODY } from "../session/session.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { Once } from "../ui/Once.tsx";
import { Page } from "../ui/Page.tsx";
import { useWatch } from "../ui/useHere.ts";
import { FinishForm } from "./FinishForm.tsx";
import { NameForm } from "./NameForm.tsx";
import { takeToken } from "./token.ts";

/** Where a link of an invitation leads: a password, an authenticator, recovery codes, and signed in. */
export function WelcomePage() {
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    const again = () => setToken((had) => takeToken() ?? had);
    addEventListener("hashchange", again);
    return () => removeEventListener("hashchange", again);
  }, []);
  return (
    <Page title="Welcome to Vigil" narrow>
      {token ? (
        <Steps key={token} token={token} />
      ) : (
        <p data-testid="empty">Open the link that you were given. It is used up once you have finished here.</p>
      )}
    </Page>
  );
}

function Steps({ token }: { token: string }) {
  const watch = useWatch();
  // The token is no key: keys are kept.
  const queryKey = ["welcome"];
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => welcome(token, signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const [seed, setSeed] = useState<SeedShown | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);

  if (codes) {
    return (
      <Once
        title="Your recovery codes"
        says="Each signs you in once when your authenticator is lost. They are not shown again: print them or put them into a safe."
        secret={codes}
        done="I have kept them: go on"
        onDone={() => void watch.refresh().then(() => go(home(watch.shown() ?? NOBODY), "replace"))}
      />
    );
  }
  if (seed) return <FinishForm token={token} seed={seed} onCodes={setCodes} />;
  return (
    <Loaded query={query} queryKey={queryKey} what="the invitation" rows={3}>
      {(found) => (
        <>
          <p>{found.login ? `This sets up the account ${found.login}.` : "This makes the first administrator."}</p>
          <p>The link holds until {dateTime(found.expires_at)}.</p>
          <NameForm token={token} first={found.purpose === "first_administrator"} onSeed={setSeed} />
        </>
      )}
    </Loaded>
  );
}
