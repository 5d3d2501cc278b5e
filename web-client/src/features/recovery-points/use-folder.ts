import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { graphql } from '../../gql';
import type { BrowseQuery } from '../../gql/graphql';
import { type Problem, problemOf } from '../../platform/graphql/problem';

const Browse = graphql(`
  query Browse($id: ID!, $path: Path!, $first: Int!, $after: String) {
    browseRecoveryPoint(id: $id, path: $path, first: $first, after: $after) {
      edges { node { name path type size modifiedAt linkTarget } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const PAGE = 100;

export type Entry = BrowseQuery['browseRecoveryPoint']['edges'][number]['node'];

export interface Folder {
  readonly entries: readonly Entry[];
  readonly loading: boolean;
  readonly problem: Problem | undefined;
  /** More entries are there. */
  readonly hasMore: boolean;
  /** Reads the next page, or the one that failed again. */
  more(): void;
}

interface Read {
  readonly entries: readonly Entry[];
  readonly cursor: string | null;
  readonly hasMore: boolean;
  readonly loading: boolean;
  readonly problem: Problem | undefined;
}

/** A folder's entries, page after page. A recovery point never changes: what was read stays good. */
export function useFolder(id: string, path: string): Folder {
  const client = useClient();
  const [read, setRead] = useState<Read>({
    entries: [],
    cursor: null,
    hasMore: true,
    loading: true,
    problem: undefined,
  });
  const { loading, cursor } = read;

  useEffect(() => {
    if (!loading) return;
    let left = false;
    void client
      .query(Browse, { id, path, first: PAGE, after: cursor }, { requestPolicy: 'cache-first' })
      .toPromise()
      .then(({ data, error }) => {
        if (left) return;
        const page = data?.browseRecoveryPoint;
        setRead((before) => ({
          entries: [...before.entries, ...(page?.edges.map(({ node }) => node) ?? [])],
          cursor: page?.pageInfo.endCursor ?? before.cursor,
          hasMore: page?.pageInfo.hasNextPage ?? true,
          loading: false,
          problem: error && problemOf(error),
        }));
      });
    return () => {
      left = true;
    };
  }, [client, id, path, cursor, loading]);

  return {
    ...read,
    more: () => setRead((before) => ({ ...before, loading: true, problem: undefined })),
  };
}
