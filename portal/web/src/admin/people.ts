import { useEffect } from "react";
import { users } from "../api/people.ts";
import type { User } from "../api/types.gen.ts";
import { useHere } from "../ui/useHere.ts";
import { usePaged } from "../ui/usePaged.ts";

export const USERS = ["users"] as const;

/** Users that are read to find names; whoever stands further down is shown by identifier. */
const NAMED = 2_000;

export function useUsers(enabled = true) {
  return usePaged(USERS, users, (page) => page.users, enabled);
}

export interface People {
  find: (id: string) => User | undefined;
  /** For a cell of a table. */
  name: (id: string | null | undefined) => string;
}

/** Names behind identifiers, for whoever may see them. */
export function usePeople(): People {
  const { permissions } = useHere();
  const { data, hasNextPage, isFetching, fetchNextPage } = useUsers(permissions.includes("manage_users"));
  const read = data?.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetching && read < NAMED) void fetchNextPage();
  }, [hasNextPage, isFetching, read, fetchNextPage]);
  const find = (id: string) => data?.find((user) => user.id === id);
  return { find, name: (id) => (id ? (find(id)?.display_name ?? id) : "the command line") };
}
