import { Text } from '@mantine/core';
import { graphql } from '../../gql';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { ListPage } from '../../platform/ui/ListPage';
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
  const query = useFreshQuery(ProtectedItems, {});
  const items = query.data?.protectedItems.edges.map(({ node }) => node) ?? [];
  return (
    <ListPage
      title="Protected items"
      actions={<ProtectFolders />}
      failure="The items could not be read"
      query={query}
      panel="Folders on your hosts"
      isEmpty={items.length === 0}
      emptyTitle="Nothing is protected yet"
      emptyAdvice={
        <Text size="sm">
          Choose “Protect folders”: an agent, its folders, a vault to keep them in, and a policy that says when. The
          same from a shell: <code className="hf-mono">holdfast protect add /srv --agent NAME --vault NAME</code>
        </Text>
      }
    >
      <ItemTable items={items} caption="Protected items" />
      {query.data?.protectedItems.pageInfo.hasNextPage && (
        <Text p="md" size="sm" c="dimmed">
          These are the first 200. The others: <code className="hf-mono">holdfast protect list</code>
        </Text>
      )}
    </ListPage>
  );
}
