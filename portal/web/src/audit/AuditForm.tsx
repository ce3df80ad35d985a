import { Button, Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import type { AuditSearch } from "../api/audit.ts";
import { onFields } from "../ui/form.ts";
import { Section } from "../ui/Page.tsx";
import { moment, searched } from "./words.ts";

const IDENTIFIER = {
  autoComplete: "off",
  spellCheck: false,
  pattern: "\\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\s*",
  title: "An identifier such as 0190f000-0000-7000-8000-000000000001",
} as const;

interface Props {
  search: AuditSearch;
  six: boolean;
  onSearch: (search: AuditSearch, six: boolean) => void;
}

/** As a field of the browser shows it, by this screen's clock. */
function local(at: string | undefined): string {
  if (at === undefined) return "";
  const ms = Date.parse(at);
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** By person, patient and time. */
export function AuditForm({ search, six, onSearch }: Props) {
  const [disclosed, setDisclosed] = useState(six);
  const submit = onFields((text) => {
    const fields = {
      user: disclosed ? "" : text("user").trim(),
      patient: text("patient").trim(),
      from: moment(text("from")),
      to: moment(text("to")),
    };
    onSearch(searched(fields), disclosed);
  });
  return (
    <Section title="Search">
      <form className="across" onSubmit={submit}>
        <TextInput
          name="user"
          label="User (identifier)"
          defaultValue={search.user ?? ""}
          disabled={disclosed}
          {...IDENTIFIER}
        />
        <TextInput
          name="patient"
          label="Patient (identifier)"
          defaultValue={search.patient ?? ""}
          required={disclosed}
          {...IDENTIFIER}
        />
        <TextInput name="from" label="From" type="datetime-local" defaultValue={local(search.from)} />
        <TextInput name="to" label="Before" type="datetime-local" defaultValue={local(search.to)} />
        <Button type="submit">Search</Button>
        <Checkbox
          label="Accounting of disclosures: one patient, six years back"
          checked={disclosed}
          onChange={(event) => setDisclosed(event.currentTarget.checked)}
        />
      </form>
    </Section>
  );
}
