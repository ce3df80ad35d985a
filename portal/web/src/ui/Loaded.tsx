import { Button, Skeleton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { dateTime } from "../clinical/times.ts";
import { Problem } from "./Problem.tsx";
import { type Phase, QUIET_MS, STILL_MS } from "./phase.ts";

interface Query<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  fetchStatus: string;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface Props<T> {
  query: Query<T>;
  queryKey: readonly unknown[];
  /** As in "Loading the stations". */
  what: string;
  /** Lines of the skeleton. */
  rows?: number;
  /** What to say where there is nothing; null: there is something. */
  empty?: (data: T) => ReactNode | null;
  children: (data: T) => ReactNode;
}

/** One part of a page that comes from the server, in each of its states (ui.md §3.6). */
export function Loaded<T>({ query, queryKey, what, rows = 4, empty, children }: Props<T>) {
  const queries = useQueryClient();
  const { data, error } = query;
  if (data !== undefined) {
    const nothing = empty?.(data) ?? null;
    return (
      <>
        {error !== null && (
          <Problem
            error={error}
            title={`Not up to date since ${dateTime(query.dataUpdatedAt)}`}
            retry={query.refetch}
          />
        )}
        {nothing === null ? children(data) : <div data-testid="empty">{nothing}</div>}
      </>
    );
  }
  if (error !== null) return <Problem error={error} title={`${what} cannot be shown`} retry={query.refetch} />;
  if (query.fetchStatus === "idle") {
    return (
      <p className="says" role="status">
        Loading was stopped. <Button onClick={() => query.refetch()}>Load {what}</Button>
      </p>
    );
  }
  return <Waiting what={what} rows={rows} cancel={() => void queries.cancelQueries({ queryKey })} />;
}

/** Nothing at first, then the shape of what comes, then a word and a way out. */
function Waiting({ what, rows, cancel }: { what: string; rows: number; cancel: () => void }) {
  const [phase, setPhase] = useState<Phase>("quiet");
  useEffect(() => {
    const timers = [setTimeout(() => setPhase("shape"), QUIET_MS), setTimeout(() => setPhase("still"), STILL_MS)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return (
    <div className="waiting" data-phase={phase}>
      <p className="says" role="status">
        {phase === "still" && <>Still loading {what}. </>}
        {phase === "still" && (
          <Button size="sm" onClick={cancel}>
            Stop
          </Button>
        )}
      </p>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines that are all the same and never move
        <Skeleton key={i} height={40} mb={8} visible={phase !== "quiet"} aria-hidden />
      ))}
    </div>
  );
}
