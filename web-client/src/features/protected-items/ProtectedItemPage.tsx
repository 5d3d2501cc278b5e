import { Stack, Text } from '@mantine/core';
import { useParams } from 'react-router';
import { graphql } from '../../gql';
import type { ProtectedItemQuery } from '../../gql/graphql';
import { shellWord } from '../../platform/format/shell-word';
import { PROTECTION_STATE_WORDS } from '../../platform/format/words';
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
import { AgentStatusSign } from '../agents/AgentStatusSign';
import { JobTable } from '../jobs/JobTable';
import { useJobsAsTheyAre } from '../jobs/live-jobs';
import { nameOfPoint } from '../recovery-points/point-name';
import { RecoveryPointList } from '../recovery-points/RecoveryPointList';
import { BackUpNow } from './BackUpNow';
import { LastBackup } from './LastBackup';
import { PreCheckAlert, PreCheckSign } from './PreCheck';

const ProtectedItemDocument = graphql(`
  query ProtectedItem($id: ID!) {
    protectedItem(id: $id) {
      ...ItemRow
      createdAt
      preCheck { status checkedAt problems { path message } }
      files { roots include exclude oneFileSystem }
    }
    jobs(first: 5, filter: { protectedItemId: $id }) { edges { node { ...JobRow } } }
  }
`);

type ItemDetails = NonNullable<ProtectedItemQuery['protectedItem']>;

export function ProtectedItemPage() {
  const { id = '' } = useParams();
  const { data, error, loading, reload } = useFreshQuery(ProtectedItemDocument, { id });
  const jobs = useJobsAsTheyAre(data?.jobs.edges.map(({ node }) => node) ?? []);
  const item = data?.protectedItem;
  return (
    <Page
      key={id}
      title={item?.name ?? 'Protected item'}
      above={
        <Text size="sm">
          <Go to={paths.protectedItems}>Protected items</Go>
        </Text>
      }
      actions={item && item.protectionState !== 'STOPPED' && <BackUpNow item={item} />}
    >
      {error && <ProblemAlert title="The item could not be read" problem={problemOf(error)} onRetry={reload} />}
      {loading && <LoadingRows rows={6} />}
      {data && !item && (
        <ProblemAlert
          title="There is no such item"
          problem={describe('NOT_FOUND', 'Nothing was found at this address.')}
        />
      )}
      {item && (
        <>
          <PreCheckAlert preCheck={item.preCheck} />
          <ItemFacts item={item} />
          <RecoveryPointList item={item} />
          {jobs.length > 0 && (
            <Panel title="Latest jobs" flush>
              <JobTable jobs={jobs} caption="Latest jobs of this item" />
            </Panel>
          )}
          <OnlyByCommand commands={commandsFor(item)} />
        </>
      )}
    </Page>
  );
}

function commandsFor({ name, protectionState }: ItemDetails): ReadonlyArray<readonly [what: string, command: string]> {
  const word = shellWord(name);
  return [
    ...(protectionState === 'STOPPED'
      ? []
      : ([
          ['Stop protecting it and keep its recovery points', `holdfast protect stop ${word}`],
          ['Stop protecting it and delete its recovery points', `holdfast protect stop ${word} --delete-data`],
        ] as const)),
    ['Delete one recovery point', `holdfast points delete ${shellWord(nameOfPoint(name, 'NUMBER'))}`],
  ];
}

function ItemFacts({ item }: { readonly item: ItemDetails }) {
  const { files } = item;
  return (
    <Panel title="Facts">
      <Facts
        facts={[
          ['Last backup', <LastBackup key="last" item={item} />],
          [
            'Next backup',
            <Moment
              key="next"
              at={item.nextBackupAt}
              relative
              absent={item.policy ? 'Not planned' : 'On demand: it has no policy'}
            />,
          ],
          ['Protection', PROTECTION_STATE_WORDS[item.protectionState]],
          ['Pre-check', <PreCheckSign key="pre-check" preCheck={item.preCheck} />],
          ['Folders', <Paths key="roots" paths={files.roots} />],
          [
            'Agent',
            <Stack key="agent" gap={4} align="flex-start">
              <HostText>{item.agent.name}</HostText>
              <AgentStatusSign status={item.agent.status} />
            </Stack>,
          ],
          ['Vault', <HostText key="vault">{item.vault.name}</HostText>],
          ['Policy', item.policy ? <HostText key="policy">{item.policy.name}</HostText> : 'None'],
          ['Protected since', <Moment key="since" at={item.createdAt} />],
          ...(files.include.length > 0 ? [['Only', <Paths key="include" paths={files.include} />] as const] : []),
          ...(files.exclude.length > 0 ? [['Left out', <Paths key="exclude" paths={files.exclude} />] as const] : []),
          ...(files.oneFileSystem ? [['File systems', 'Only those of the folders themselves'] as const] : []),
        ]}
      />
    </Panel>
  );
}

function Paths({ paths: list }: { readonly paths: readonly string[] }) {
  return (
    <Stack gap={2}>
      {list.map((each) => (
        <HostText key={each} mono>
          {each}
        </HostText>
      ))}
    </Stack>
  );
}
