import { Alert, Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Refused, sentence } from "../api/refused.ts";
import { Forbidden } from "./Forbidden.tsx";

interface Props {
  error: unknown;
  title?: string;
  retry?: () => void;
}

/** What went wrong, in words, with the focus on it. */
export function Problem({ error, title = "Not done", retry }: Props) {
  const alert = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error) alert.current?.focus();
  }, [error]);
  if (!error) return null;
  const refused = error instanceof Refused ? error : null;
  if (refused?.code === "missing_permission") return <Forbidden missing={refused.needs} />;
  return (
    <Alert ref={alert} tabIndex={-1} role="alert" color="red" variant="outline" title={title} data-testid="problem">
      <p className="problem-words">{sentence(error)}</p>
      {refused?.code === "no_relation" && (
        <p className="problem-words">
          <a href="/break-glass" data-route>
            Open the record in an emergency
          </a>
        </p>
      )}
      {refused && <p className="problem-code">Code {refused.code}</p>}
      {retry && <Button onClick={retry}>Try again</Button>}
    </Alert>
  );
}
