import { Button, NativeSelect, TextInput } from "@mantine/core";
import { makeStation } from "../api/stations.ts";
import type { CodeGiven, StationMode, StationPrivacy } from "../api/types.gen.ts";
import { onFields } from "../ui/form.ts";
import { Section } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";
import { MODES, PRIVACIES } from "./choices.ts";
import { LocationField } from "./LocationField.tsx";

/** A new station. */
export function NewStationSection({ onMade }: { onMade: (made: CodeGiven) => void }) {
  const { send, sending, problem } = useSend(makeStation, onMade);
  const submit = onFields((text) => {
    void send({
      name: text("name").trim(),
      mode: text("mode") as StationMode,
      location_id: text("location_id").trim(),
      privacy: text("privacy") as StationPrivacy,
    });
  });
  return (
    <Section title="A new station">
      <Problem error={problem} title="Not made" />
      <form className="across" onSubmit={submit}>
        <TextInput name="name" label="Name" autoComplete="off" maxLength={100} required />
        <NativeSelect
          name="mode"
          label="Kind"
          data={Object.entries(MODES).map(([value, label]) => ({ value, label }))}
        />
        <LocationField label="Place (identifier)" required />
        <NativeSelect name="privacy" label="Names" data={PRIVACIES} />
        <Button type="submit" loading={sending}>
          Make
        </Button>
      </form>
    </Section>
  );
}
