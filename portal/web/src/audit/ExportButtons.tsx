import { Button, Group } from "@mantine/core";
import { useState } from "react";
import { type AuditSearch, exported, type Format } from "../api/audit.ts";
import { Problem } from "../ui/Problem.tsx";
import { useSend } from "../ui/useSend.ts";

/** Hands a file to the browser; nothing of it stays in the page. */
function save(parts: readonly string[], name: string): void {
  const address = URL.createObjectURL(new Blob([...parts], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** What was found, as a file. */
export function ExportButtons({ search }: { search: AuditSearch }) {
  const [said, setSaid] = useState("");
  const { send, sending, problem } = useSend(
    async (format: Format) => ({ ...(await exported(search, format)), format }),
    ({ parts, whole, format }) => {
      save(parts, format === "csv" ? "audit.csv" : "audit.jsonl");
      setSaid(
        whole ? "Exported." : "Exported the newest only: there is more than fits into one file. Narrow the time.",
      );
    },
  );
  return (
    <>
      <Problem error={problem} title="Not exported" />
      <Group>
        <Button variant="default" loading={sending} onClick={() => void send("csv")}>
          Export as CSV
        </Button>
        <Button variant="default" loading={sending} onClick={() => void send("json")}>
          Export as JSON
        </Button>
        <span role="status">{said}</span>
      </Group>
    </>
  );
}
