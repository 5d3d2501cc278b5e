import { Stack, Table, Text } from '@mantine/core';
import { graphql } from '../../gql';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { EmptyState } from '../../platform/ui/EmptyState';
import { HostText } from '../../platform/ui/HostText';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { AgentStatusSign } from './AgentStatusSign';
import { NewAgent } from './NewAgent';

const Agents = graphql(`
  query Agents {
    agents(first: 200) {
      edges { node { id name hostName operatingSystem architecture version status lastSeenAt enrolledAt } }
    }
  }
`);

export function AgentsPage() {
  const { data, error, loading, reload } = useFreshQuery(Agents, {});
  const agents = data?.agents.edges.map(({ node }) => node) ?? [];
  return (
    <Page title="Agents" actions={<NewAgent />}>
      {error && <ProblemAlert title="The agents could not be read" problem={problemOf(error)} onRetry={reload} />}
      <Panel title="Hosts that back up and restore" flush>
        {loading ? (
          <LoadingRows rows={4} />
        ) : agents.length === 0 ? (
          <EmptyState title="No host has enrolled yet">
            <Text size="sm">
              Choose “Add a host” for a one-time command to run there. The same from a shell:{' '}
              <code className="hf-mono">holdfast agent token NAME</code>
            </Text>
          </EmptyState>
        ) : (
          <Table verticalSpacing="sm" highlightOnHover aria-label="Agents">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Name</Table.Th>
                <Table.Th scope="col">Status</Table.Th>
                <Table.Th scope="col">Last seen</Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  System
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Version
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Enrolled
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {agents.map((agent) => (
                <Table.Tr key={agent.id}>
                  <Table.Td>
                    <Stack gap={0}>
                      <HostText>{agent.name}</HostText>
                      {agent.hostName !== agent.name && (
                        <Text size="sm" c="dimmed">
                          <HostText>{agent.hostName}</HostText>
                        </Text>
                      )}
                    </Stack>
                  </Table.Td>
                  <Table.Td>
                    <AgentStatusSign status={agent.status} />
                  </Table.Td>
                  <Table.Td>
                    <Moment at={agent.lastSeenAt} relative absent="Never" />
                  </Table.Td>
                  <Table.Td className="hf-wide">
                    <HostText>{`${agent.operatingSystem} ${agent.architecture}`}</HostText>
                  </Table.Td>
                  <Table.Td className="hf-wide">
                    <HostText>{agent.version}</HostText>
                  </Table.Td>
                  <Table.Td className="hf-wide">
                    <Moment at={agent.enrolledAt} />
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
