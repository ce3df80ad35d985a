import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { breakGlass } from "../api/breakGlass.ts";
import type { GlassBroken, GlassReason } from "../api/types.gen.ts";
import { hourMinute } from "../clinical/times.ts";
import { onFields } from "../ui/form.ts";
import { Page } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useWatch } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";
import { REASONS } from "./reasons.ts";

const CHOICES = Object.entries(REASONS).map(([value, label]) => ({ value, label }));

/** Opens a record to somebody who has no relation to its patient, for an hour and a reason. */
export function BreakGlassPage() {
  const watch = useWatch();
  const head = useRef<HTMLHeadingElement>(null);
  const [opened, setOpened] = useState<GlassBroken | null>(null);
  const { send, sending, problem } = useSend(breakGlass, (access) => {
    setOpened(access);
    // The token is another one now, and with it the times.
    void watch.refresh();
  });
  useEffect(() => {
    if (opened) head.current?.focus();
  }, [opened]);
  const submit = onFields((text) => {
    void send({
      patient_id: text("patient_id").trim(),
      reason_code: text("reason_code") as GlassReason,
      reason: text("reason").trim(),
    });
  });
  return (
    <Page title="Emergency access" narrow>
      {opened ? (
        <>
          <h2 ref={head} tabIndex={-1} data-testid="opened">
            The record is open to you until {hourMinute(Date.parse(opened.until))}
          </h2>
          <p>
            Patient {opened.patient_id}. Everything you look at is written down, and the privacy officer reviews it.
          </p>
          <div>
            <Button variant="default" onClick={() => setOpened(null)}>
              Open another
            </Button>
          </div>
        </>
      ) : (
        <>
          <p>
            For a patient whom you have no relation to. The record opens for 60 minutes. The privacy officer is told and
            reviews within 72 hours why.
          </p>
          <Problem error={problem} title="Not opened" />
          <form className="fields" onSubmit={submit}>
            <TextInput
              name="patient_id"
              label="Patient (identifier)"
              autoComplete="off"
              spellCheck={false}
              pattern="\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*"
              title="An identifier such as 0190f000-0000-7000-8000-000000000001"
              required
            />
            <NativeSelect name="reason_code" label="Why" data={CHOICES} />
            <Textarea name="reason" label="In your own words" maxLength={500} minRows={3} required />
            <Button type="submit" loading={sending}>
              Open the record
            </Button>
          </form>
        </>
      )}
    </Page>
  );
}
