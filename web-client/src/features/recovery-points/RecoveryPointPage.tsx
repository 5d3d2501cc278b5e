import { Button, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconRestore } from '@tabler/icons-react';
import { useState } from 'react';
import { useParams } from 'react-router';
import { graphql } from '../../gql';
import { countOf, formatBytes, formatCount } from '../../platform/format/amounts';
import { shellWord } from '../../platform/format/shell-word';
import { BACKUP_TYPE_WORDS } from '../../platform/format/words';
import { describe, problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { paths } from '../../platform/routing/paths';
import { Facts } from '../../platform/ui/Facts';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Moment } from '../../platform/ui/Moment';
import { OnlyByCommand } from '../../platform/ui/OnlyByCommand';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { RestoreDialog } from '../restore/RestoreDialog';
import { FileBrowser } from './FileBrowser';
import { nameOfPoint } from './point-name';
import type { Selection } from './selection';

const RecoveryPointDocument = graphql(`
  query RecoveryPoint($id: ID!) {
    recoveryPoint(id: $id) {
      id sequence time backupType entries files bytesTotal bytesRead bytesChanged bytesSent bytesStored warnings expiresAt
      base { id sequence time }
      protectedItem { id name files { roots } agent { id name } }
    }
  }
`);

export function RecoveryPointPage() {
  const { id = '' } = useParams();
  return <RecoveryPoint key={id} id={id} />;
}

function RecoveryPoint({ id }: { readonly id: string }) {
  const { data, error, loading, reload } = useFreshQuery(RecoveryPointDocument, { id });
  const [selection, setSelection] = useState<Selection>([]);
  const [restoring, { open, close }] = useDisclosure();
  const point = data?.recoveryPoint;
  const title = point ? `Recovery point ${nameOfPoint(point.protectedItem.name, point.sequence)}` : 'Recovery point';
  return (
    <Page
      title={title}
      above={
        <Text size="sm">
          <Go to={paths.protectedItems}>Protected items</Go>
          {point && (
            <>
              {' / '}
              <Go to={paths.protectedItem(point.protectedItem.id)}>
                <HostText>{point.protectedItem.name}</HostText>
              </Go>
            </>
          )}
        </Text>
      }
      actions={
        point && (
          <Button onClick={open} leftSection={<IconRestore size={16} aria-hidden />}>
            {selection.length === 0
              ? 'Restore everything'
              : `Restore ${countOf(selection.length, 'selected entry', 'selected entries')}`}
          </Button>
        )
      }
    >
      {error && (
        <ProblemAlert title="The recovery point could not be read" problem={problemOf(error)} onRetry={reload} />
      )}
      {loading && <LoadingRows rows={6} />}
      {data && !point && (
        <ProblemAlert
          title="There is no such recovery point"
          problem={describe('NOT_FOUND', 'Nothing was found at this address.')}
        />
      )}
      {point && (
        <>
          <Panel title="Facts">
            <Facts
              columns={4}
              facts={[
                ['Time', <Moment key="time" at={point.time} />],
                ['Backup type', BACKUP_TYPE_WORDS[point.backupType]],
                [
                  'Based on',
                  point.base ? (
                    <Go key="base" to={paths.recoveryPoint(point.base.id)}>
                      <HostText>{nameOfPoint(point.protectedItem.name, point.base.sequence)}</HostText>
                    </Go>
                  ) : (
                    'Nothing'
                  ),
                ],
                ['Agent', <HostText key="agent">{point.protectedItem.agent.name}</HostText>],
                ['Files', `${formatCount(point.files)} of ${countOf(point.entries, 'entry', 'entries')}`],
                ['Size', formatBytes(point.bytesTotal)],
                ['Read on the host', formatBytes(point.bytesRead)],
                ['Newly stored', formatBytes(point.bytesStored)],
                ...(point.warnings > 0 ? [['Warnings', formatCount(point.warnings)] as const] : []),
                ...(point.expiresAt ? [['Kept until', <Moment key="expires" at={point.expiresAt} />] as const] : []),
              ]}
            />
          </Panel>
          <FileBrowser recoveryPointId={point.id} selection={selection} onSelect={setSelection} />
          <OnlyByCommand
            commands={[
              [
                'Delete this recovery point',
                `holdfast points delete ${shellWord(nameOfPoint(point.protectedItem.name, point.sequence))}`,
              ],
            ]}
          />
          {restoring && <RestoreDialog point={point} selection={selection} onClose={close} />}
        </>
      )}
    </Page>
  );
}
