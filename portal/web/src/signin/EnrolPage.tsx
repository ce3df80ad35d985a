import { Button, TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";
import { enrolStation } from "../api/identity.ts";
import { go } from "../navigation/go.ts";
import { WARD } from "../navigation/places.ts";
import { onFields } from "../ui/form.ts";
import { Page } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useHere, useWatch } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";

/** Makes this screen a station, by the code that an administrator has just made. */
export function EnrolPage() {
  const { station } = useHere();
  const watch = useWatch();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const { send, sending, problem } = useSend(enrolStation, () => {
    void watch.refresh().then(() => go(WARD));
  });
  return (
    <Page title="This screen" narrow>
      <p>
        {station
          ? `This screen is the station ${station.name}. Another code makes it another station.`
          : "A station belongs to a place. It shows the ward's alarms whether or not somebody is signed in."}
      </p>
      <Problem error={problem} title="Not enrolled" />
      <form className="fields" onSubmit={onFields((text) => void send(text("code").trim()))}>
        <TextInput
          ref={field}
          name="code"
          label="Code"
          description="An administrator makes one under Stations. It is good once, for 10 minutes."
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
        />
        <Button type="submit" loading={sending}>
          Make this screen a station
        </Button>
      </form>
    </Page>
  );
}
