import { Button, Center, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../gql';
import { formatBytes, formatCount } from '../../platform/format/amounts';
import { BACKUP_TYPE_WORDS } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { paths } from '../../platform/routing/paths';
import { EmptyState } from '../../platform/ui/EmptyState';
import { Go } from '../../platform/ui/Go';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { Status } from '../../platform/ui/Status';

const RecoveryPoints = graphql(`
  query RecoveryPoints($protectedItemId: ID!, $first: Int!) {
    recoveryPoints(first: $first, filter: { protectedItemId: $protectedItemId }) {
      edges { node { id sequence time backupType files bytesTotal bytesStored warnings } }
      pageInfo { hasNextPage }
    }
  }
`);

const PAGE = 20;
const MAX = 200;

export function RecoveryPointList({ protectedItemId }: { readonly protectedItemId: string }) {
  const [first, setFirst] = useState(PAGE);
  const { data, error, loading, reload } = useFreshQuery(RecoveryPoints, { protectedItemId, first });
  const points = data?.recoveryPoints.edges.map(({ node }) => node) ?? [];
  return (
    <Panel title="Recovery points" flush>
      {error && (
        <ProblemAlert title="The recovery points could not be read" problem={problemOf(error)} onRetry={reload} />
      )}
      {loading ? (
        <LoadingRows rows={4} />
      ) : points.length === 0 ? (
        <EmptyState title="No recovery point yet">
          <Text size="sm">
            Choose “Back up now” to make the first one; then files can be browsed and restored here.
          </Text>
        </EmptyState>
      ) : (
        <Table verticalSpacing="sm" highlightOnHover aria-label="Recovery points, newest first">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Time</Table.Th>
              <Table.Th scope="col">Type</Table.Th>
              <Table.Th scope="col" ta="right" className="hf-wide">
                Files
              </Table.Th>
              <Table.Th scope="col" ta="right">
                Size
              </Table.Th>
              <Table.Th scope="col" ta="right" className="hf-wide">
                Newly stored
              </Table.Th>
              <Table.Th scope="col" className="hf-wide">
                Warnings
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {points.map((point) => (
              <Table.Tr key={point.id}>
                <Table.Td>
                  <Go to={paths.recoveryPoint(point.id)}>
                    <Moment at={point.time} />
                  </Go>
                </Table.Td>
                <Table.Td>{BACKUP_TYPE_WORDS[point.backupType]}</Table.Td>
                <Table.Td ta="right" className="hf-wide">
                  {formatCount(point.files)}
                </Table.Td>
                <Table.Td ta="right">{formatBytes(point.bytesTotal)}</Table.Td>
                <Table.Td ta="right" className="hf-wide">
                  {formatBytes(point.bytesStored)}
                </Table.Td>
                <Table.Td className="hf-wide">
                  {point.warnings === 0 ? 'None' : <Status tone="warn">{formatCount(point.warnings)}</Status>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {data?.recoveryPoints.pageInfo.hasNextPage && first < MAX && (
        <Center p="md">
          <Button variant="default" onClick={() => setFirst(MAX)}>
            Show more
          </Button>
        </Center>
      )}
    </Panel>
  );
}
