import { Table, Text } from '@mantine/core';
import { graphql } from '../../gql';
import { formatBytes, formatCount } from '../../platform/format/amounts';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { EmptyState } from '../../platform/ui/EmptyState';
import { HostText } from '../../platform/ui/HostText';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { Status } from '../../platform/ui/Status';
import { KitPending } from './KitPending';
import { NewVault } from './NewVault';

const Vaults = graphql(`
  query Vaults {
    vaults(first: 200) {
      edges { node { id name dedupDomain recoveryKitConfirmed recoveryPointCount storedBytes region { name } } }
    }
  }
`);

export function VaultsPage() {
  const { data, error, loading, reload } = useFreshQuery(Vaults, {});
  const vaults = data?.vaults.edges.map(({ node }) => node) ?? [];
  return (
    <Page title="Vaults" actions={<NewVault />}>
      {error && <ProblemAlert title="The vaults could not be read" problem={problemOf(error)} onRetry={reload} />}
      {vaults
        .filter((vault) => !vault.recoveryKitConfirmed)
        .map((vault) => (
          <KitPending key={vault.id} vault={vault} />
        ))}
      <Panel title="Where recovery points live" flush>
        {loading ? (
          <LoadingRows rows={3} />
        ) : vaults.length === 0 ? (
          <EmptyState title="There is no vault yet">
            <Text size="sm">
              Choose “Create a vault”. Everything in it is encrypted before it leaves a host. The same from a shell:{' '}
              <code className="hf-mono">holdfast vault create NAME</code>
            </Text>
          </EmptyState>
        ) : (
          <Table verticalSpacing="sm" highlightOnHover aria-label="Vaults">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Name</Table.Th>
                <Table.Th scope="col" ta="right">
                  Recovery points
                </Table.Th>
                <Table.Th scope="col" ta="right">
                  Stored
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Region
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Equal data once per
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Recovery kit
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {vaults.map((vault) => (
                <Table.Tr key={vault.id}>
                  <Table.Td>
                    <HostText>{vault.name}</HostText>
                  </Table.Td>
                  <Table.Td ta="right">{formatCount(vault.recoveryPointCount)}</Table.Td>
                  <Table.Td ta="right">{formatBytes(vault.storedBytes)}</Table.Td>
                  <Table.Td className="hf-wide">
                    <HostText>{vault.region.name}</HostText>
                  </Table.Td>
                  <Table.Td className="hf-wide">{vault.dedupDomain === 'VAULT' ? 'Vault' : 'Protected item'}</Table.Td>
                  <Table.Td className="hf-wide">
                    <Status tone={vault.recoveryKitConfirmed ? 'good' : 'warn'}>
                      {vault.recoveryKitConfirmed ? 'Confirmed' : 'Not confirmed'}
                    </Status>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Panel>
    </Page>
  );
}
