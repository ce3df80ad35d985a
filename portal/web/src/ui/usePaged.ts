import { useInfiniteQuery } from "@tanstack/react-query";
import type { Next } from "../api/people.ts";

/** A list that comes in pages; `rows` takes the list out of one. */
export function usePaged<P extends { next: Next }, R>(
  queryKey: readonly unknown[],
  read: (cursor: Next, signal: AbortSignal) => Promise<P>,
  rows: (page: P) => readonly R[],
  enabled = true,
) {
  return useInfiniteQuery({
    queryKey,
    enabled,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: null as Next,
    getNextPageParam: (last) => last.next ?? null,
    select: ({ pages }) => pages.flatMap(rows),
  });
}
