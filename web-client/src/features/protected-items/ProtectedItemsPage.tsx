import { Text } from '@mantine/core';
import { graphql } from '../../gql';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { EmptyState } from '../../platform/ui/EmptyState';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { ItemTable } from './ItemTable';
import { ProtectFolders } from './ProtectFolders';

const ProtectedItems = graphql(`
  query ProtectedItems {
    protectedItems(first: 200) {
      edges { node { ...ItemRow } }
      pageInfo { hasNextPage }
    }
  }
`);

export function ProtectedItemsPage() {
  const { data, error, loading, reload } = useFreshQuery(ProtectedItems, {});
  const items = data?.protectedItems.edges.map(({ node }) => node) ?? [];
  return (
    <Page title="Protected items" actions={<ProtectFolders />}>
      {error && <ProblemAlert title="The items could not be read" problem={problemOf(error)} onRetry={reload} />}
      <Panel title="Folders on your hosts" flush>
        {loading ? (
          <LoadingRows rows={5} />
        ) : items.length === 0 ? (
          <EmptyState title="Nothing is protected yet">
            <Text size="sm">
              Choose “Protect folders”: an agent, its folders, a vault to keep them in, and a policy that says when. The
              same from a shell: <code className="hf-mono">holdfast protect add /srv --agent NAME --vault NAME</code>
            </Text>
          </EmptyState>
        ) : (
          <ItemTable items={items} caption="Protected items" />
        )}
        {data?.protectedItems.pageInfo.hasNextPage && (
          <Text p="md" size="sm" c="dimmed">
            These are the first 200. The others: <code className="hf-mono">holdfast protect list</code>
          </Text>
        )}
      </Panel>
    </Page>
  );
}
