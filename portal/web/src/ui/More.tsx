import { Button } from "@mantine/core";
import { Problem } from "./Problem.tsx";

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  error: unknown;
  fetchNextPage: () => unknown;
}

/** The rest of a list. */
export function More({ query, what }: { query: Paged; what: string }) {
  if (!query.hasNextPage) return null;
  return (
    <>
      {query.isFetchNextPageError && <Problem error={query.error} title={`More ${what} cannot be shown`} />}
      <div>
        <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
          More {what}
        </Button>
      </div>
    </>
  );
}
