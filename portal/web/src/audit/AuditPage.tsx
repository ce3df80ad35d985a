import { useState } from "react";
import { type AuditSearch, disclosures, events } from "../api/audit.ts";
import { Loaded } from "../ui/Loaded.tsx";
import { More } from "../ui/More.tsx";
import { Page, Section } from "../ui/Page.tsx";
import { useHere } from "../ui/useHere.ts";
import { usePaged } from "../ui/usePaged.ts";
import { AuditForm } from "./AuditForm.tsx";
import { EventTable } from "./EventTable.tsx";
import { ExportButtons } from "./ExportButtons.tsx";

/** Who saw and did what. What is searched for is kept out of the address: it names people. */
export function AuditPage() {
  const [asked, setAsked] = useState<{ search: AuditSearch; six: boolean } | null>(null);
  return (
    <Page title="Audit">
      <AuditForm
        key={JSON.stringify(asked?.search)}
        search={asked?.search ?? {}}
        six={asked?.six ?? false}
        onSearch={(search, six) => setAsked({ search, six })}
      />
      {asked ? (
        <Found
          search={asked.search}
          six={asked.six}
          onUser={(user) => setAsked({ search: { ...asked.search, user }, six: false })}
        />
      ) : (
        <p>Fill in what you know and search. A search is itself written down, with whom it found.</p>
      )}
    </Page>
  );
}

interface FoundProps {
  search: AuditSearch;
  six: boolean;
  onUser: (user: string) => void;
}

function Found({ search, six, onUser }: FoundProps) {
  const { permissions } = useHere();
  const queryKey = ["audit", search, six];
  const query = usePaged(
    queryKey,
    (cursor, signal) => (six ? disclosures(search, cursor, signal) : events(search, cursor, signal)),
    (page) => page.events,
  );
  return (
    <Section title="Found, newest first">
      <Loaded
        query={query}
        queryKey={queryKey}
        what="the events"
        empty={(rows) => (rows.length === 0 ? "Nothing was done that fits. Leave a field empty to find more." : null)}
      >
        {(rows) => (
          <>
            {permissions.includes("export_audit") && !six && <ExportButtons search={search} />}
            <EventTable events={rows} onUser={onUser} />
          </>
        )}
      </Loaded>
      <More query={query} what="events" />
    </Section>
  );
}
