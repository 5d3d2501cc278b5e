import { Text } from '@mantine/core';
import { graphql } from '../../gql';
import type { VaultServiceState, VaultsQuery } from '../../gql/graphql';
import { formatBytes, formatCount } from '../../platform/format/amounts';
import { VAULT_SERVICE_STATE_WORDS } from '../../platform/format/words';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { HostText } from '../../platform/ui/HostText';
import { ListPage } from '../../platform/ui/ListPage';
import { Status, type Tone } from '../../platform/ui/Status';
import { NewVault } from './NewVault';
import { VaultNotices } from './VaultNotices';

const Vaults = graphql(`
  query Vaults {
    vaults(first: 200) {
      edges { node { id name dedupDomain recoveryKitConfirmed recoveryPointCount storedBytes region { name } service { state reason message lostPacks space { freeBytes totalBytes low } } } }
    }
  }
`);

const SERVICE_TONES: Record<VaultServiceState, Tone> = { IN_SERVICE: 'good', STARTING: 'busy', OUT_OF_SERVICE: 'bad' };

const COLUMNS: readonly Column<VaultsQuery['vaults']['edges'][number]['node']>[] = [
  { head: 'Name', cell: ({ name }) => <HostText>{name}</HostText> },
  {
    head: 'Service',
    cell: ({ service }) => (
      <Status tone={SERVICE_TONES[service.state]}>{VAULT_SERVICE_STATE_WORDS[service.state]}</Status>
    ),
  },
  {
    head: 'Recovery points',
    right: true,
    cell: ({ recoveryPointCount }) => formatCount(recoveryPointCount),
  },
  { head: 'Stored', right: true, cell: ({ storedBytes }) => formatBytes(storedBytes) },
  {
    head: 'Free',
    right: true,
    cell: ({ service: { space } }) => (space ? <Free {...space} /> : 'Not known'),
  },
  { head: 'Region', cell: ({ region }) => <HostText>{region.name}</HostText> },
  {
    head: 'Equal data once per',
    cell: ({ dedupDomain }) => (dedupDomain === 'VAULT' ? 'Vault' : 'Protected item'),
  },
  {
    head: 'Recovery kit',
    cell: ({ recoveryKitConfirmed }) => (
      <Status tone={recoveryKitConfirmed ? 'good' : 'warn'}>
        {recoveryKitConfirmed ? 'Confirmed' : 'Not confirmed'}
      </Status>
    ),
  },
];

function Free({ freeBytes, totalBytes }: { readonly freeBytes: string; readonly totalBytes: string }) {
  return (
    <>
      {formatBytes(freeBytes)}{' '}
      <Text span size="sm" c="dimmed">
        of {formatBytes(totalBytes)}
      </Text>
    </>
  );
}

export function VaultsPage() {
  const query = useFreshQuery(Vaults, {});
  const vaults = query.data?.vaults.edges.map(({ node }) => node) ?? [];
  return (
    <ListPage
      title="Vaults"
      actions={<NewVault />}
      failure="The vaults could not be read"
      query={query}
      notices={vaults.map((vault) => <VaultNotices key={vault.id} vault={vault} />)}
      panel="Where recovery points live"
      isEmpty={vaults.length === 0}
      emptyTitle="There is no vault yet"
      emptyAdvice={
        <Text size="sm">
          Choose “Create a vault”. Everything in it is encrypted before it leaves a host. The same from a shell:{' '}
          <code className="hf-mono">holdfast vault create NAME</code>
        </Text>
      }
    >
      <DataTable caption="Vaults" columns={COLUMNS} rows={vaults} />
    </ListPage>
  );
}
