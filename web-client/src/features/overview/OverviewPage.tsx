import { graphql } from '../../gql';
import type { OverviewQuery } from '../../gql/graphql';
import { countOf, formatBytes, formatCount } from '../../platform/format/amounts';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { paths } from '../../platform/routing/paths';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import type { Tone } from '../../platform/ui/Status';
import { ItemTable } from '../protected-items/ItemTable';
import { VaultNotices } from '../vaults/VaultNotices';
import { FirstSteps } from './FirstSteps';
import { JobsNow } from './JobsNow';
import { NextBackups } from './NextBackups';
import styles from './Overview.module.css';
import { RecentFailures } from './RecentFailures';
import { Tile } from './Tile';
import { countBy, healthOf, type ItemHealth } from './tally';

const OverviewDocument = graphql(`
  query Overview {
    protectedItems(first: 200) { edges { node { ...ItemRow } } pageInfo { hasNextPage } }
    open: jobs(first: 20, filter: { states: [QUEUED, DISPATCHED, RUNNING] }) { edges { node { ...JobRow } } }
    failed: jobs(first: 5, filter: { states: [FAILED] }) { edges { node { ...JobRow } } }
    agents(first: 200) { edges { node { id name status } } pageInfo { hasNextPage } }
    vaults(first: 200) {
      edges { node { id name recoveryKitConfirmed recoveryPointCount storedBytes service { state reason message lostPacks space { freeBytes totalBytes low } } } }
      pageInfo { hasNextPage }
    }
  }
`);

const HEALTH: ReadonlyArray<readonly [health: ItemHealth, tone: Tone, words: string]> = [
  ['failed', 'bad', 'failed'],
  ['warnings', 'warn', 'with warnings'],
  ['never', 'idle', 'never backed up'],
  ['running', 'busy', 'under way'],
  ['good', 'good', 'good'],
  ['stopped', 'idle', 'stopped'],
];
const URGENCY: readonly ItemHealth[] = ['failed', 'never', 'warnings', 'running', 'good', 'stopped'];
const LISTED = 8;

export function OverviewPage() {
  const { data, error, loading, reload } = useFreshQuery(OverviewDocument, {});
  return (
    <Page title="Overview">
      {error && <ProblemAlert title="The overview could not be read" problem={problemOf(error)} onRetry={reload} />}
      {loading && <LoadingRows rows={8} />}
      {data && <Content data={data} />}
    </Page>
  );
}

function Content({ data }: { readonly data: OverviewQuery }) {
  const items = data.protectedItems.edges.map(({ node }) => node);
  const agents = data.agents.edges.map(({ node }) => node);
  const vaults = data.vaults.edges.map(({ node }) => node);
  const urgent = [...items].sort((a, b) => URGENCY.indexOf(healthOf(a)) - URGENCY.indexOf(healthOf(b)));
  return (
    <>
      {vaults.map((vault) => (
        <VaultNotices key={vault.id} vault={vault} />
      ))}
      {items.length === 0 && <FirstSteps hasAgent={agents.length > 0} hasVault={vaults.length > 0} />}
      <Tiles data={data} />
      <div className={styles['columns']}>
        <div className={styles['stack']}>
          <JobsNow listed={data.open.edges.map(({ node }) => node)} />
          {items.length > 0 && (
            <Panel title={items.length > LISTED ? 'Protected items that come first' : 'Protected items'} flush>
              <ItemTable items={urgent.slice(0, LISTED)} caption="Protected items, those with problems first" />
            </Panel>
          )}
        </div>
        <div className={styles['stack']}>
          <RecentFailures jobs={data.failed.edges.map(({ node }) => node)} />
          <NextBackups items={items} />
        </div>
      </div>
    </>
  );
}

function Tiles({ data }: { readonly data: OverviewQuery }) {
  const items = data.protectedItems.edges.map(({ node }) => node);
  const agents = data.agents.edges.map(({ node }) => node).filter(({ status }) => status !== 'REVOKED');
  const vaults = data.vaults.edges.map(({ node }) => node);
  const health = countBy(items, healthOf);
  const { ONLINE: online = 0, OFFLINE: offline = 0 } = countBy(agents, ({ status }) => status);
  const points = vaults.reduce((sum, vault) => sum + vault.recoveryPointCount, 0);
  const stored = vaults.reduce((sum, vault) => sum + BigInt(vault.storedBytes), 0n);
  const out = vaults.filter(({ service }) => service.state === 'OUT_OF_SERVICE').length;
  const low = vaults.filter(({ service }) => service.space?.low === true).length;
  // The first 200 of each were counted.
  const total = (count: number, { hasNextPage }: { hasNextPage: boolean }): string =>
    `${formatCount(count)}${hasNextPage ? '+' : ''}`;
  return (
    <div className={styles['tiles']}>
      <Tile
        title="Last backups"
        total={total(items.length, data.protectedItems.pageInfo)}
        of={items.length === 1 ? 'protected item' : 'protected items'}
        parts={HEALTH.flatMap(([key, tone, words]) => {
          const count = health[key] ?? 0;
          return count === 0 ? [] : [[tone, `${formatCount(count)} ${words}`] as const];
        })}
        to={paths.protectedItems}
        link="All items"
      />
      <Tile
        title="Agents"
        total={total(agents.length, data.agents.pageInfo)}
        of={agents.length === 1 ? 'host' : 'hosts'}
        parts={[
          ...(online > 0 ? [['good', `${formatCount(online)} online`] as const] : []),
          ...(offline > 0 ? [['warn', `${formatCount(offline)} offline`] as const] : []),
        ]}
        to={paths.agents}
        link="All agents"
      />
      <Tile
        title="Vaults"
        total={formatBytes(stored)}
        of="stored"
        parts={[
          [undefined, `${countOf(points, 'recovery point')} in ${countOf(vaults.length, 'vault')}`],
          ...(out > 0 ? [['bad', `${formatCount(out)} out of service`] as const] : []),
          ...(low > 0 ? [['warn', `${formatCount(low)} low on space`] as const] : []),
        ]}
        to={paths.vaults}
        link="All vaults"
      />
    </div>
  );
}
