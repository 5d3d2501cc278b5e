import { Button, Center, Text, VisuallyHidden } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../gql';
import type { RecoveryPointsQuery } from '../../gql/graphql';
import { formatBytes, formatCount } from '../../platform/format/amounts';
import { formatLocal } from '../../platform/format/time';
import { BACKUP_TYPE_WORDS } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { paths } from '../../platform/routing/paths';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { ListContent } from '../../platform/ui/ListContent';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { Status } from '../../platform/ui/Status';
import { nameOfPoint } from './point-name';

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

type PointView = RecoveryPointsQuery['recoveryPoints']['edges'][number]['node'];

const columnsFor = (itemName: string): readonly Column<PointView>[] => [
  { head: 'Point', cell: ({ sequence }) => <HostText>{nameOfPoint(itemName, sequence)}</HostText> },
  { head: 'Time', cell: ({ time }) => <Moment at={time} /> },
  { head: 'Type', cell: ({ backupType }) => BACKUP_TYPE_WORDS[backupType] },
  { head: 'Files', right: true, spare: true, cell: ({ files }) => formatCount(files) },
  { head: 'Size', right: true, cell: ({ bytesTotal }) => formatBytes(bytesTotal) },
  { head: 'Newly stored', right: true, spare: true, cell: ({ bytesStored }) => formatBytes(bytesStored) },
  {
    head: 'Warnings',
    spare: true,
    cell: ({ warnings }) => (warnings === 0 ? 'None' : <Status tone="warn">{formatCount(warnings)}</Status>),
  },
  {
    head: 'Content',
    cell: ({ id, sequence, time }) => (
      <Go to={paths.recoveryPoint(id)}>
        <span style={{ whiteSpace: 'nowrap' }}>Browse and restore</span>
        <VisuallyHidden>
          {' '}
          <HostText>{nameOfPoint(itemName, sequence)}</HostText> of {formatLocal(Date.parse(time))}
        </VisuallyHidden>
      </Go>
    ),
  },
];

interface RecoveryPointListProps {
  readonly item: { readonly id: string; readonly name: string };
}

export function RecoveryPointList({ item }: RecoveryPointListProps) {
  const [first, setFirst] = useState(PAGE);
  const query = useFreshQuery(RecoveryPoints, { protectedItemId: item.id, first });
  const { data, error, reload } = query;
  const points = data?.recoveryPoints.edges.map(({ node }) => node) ?? [];
  return (
    <Panel title="Recovery points" flush>
      {error && (
        <ProblemAlert title="The recovery points could not be read" problem={problemOf(error)} onRetry={reload} />
      )}
      <ListContent
        query={query}
        isEmpty={points.length === 0}
        emptyTitle="No recovery point yet"
        emptyAdvice={
          <Text size="sm">
            Choose “Back up now” to make the first one; then files can be browsed and restored here.
          </Text>
        }
      >
        <DataTable caption="Recovery points, newest first" columns={columnsFor(item.name)} rows={points} />
      </ListContent>
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
