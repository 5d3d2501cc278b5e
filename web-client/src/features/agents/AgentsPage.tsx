import { Stack, Text } from '@mantine/core';
import { graphql } from '../../gql';
import type { AgentsQuery } from '../../gql/graphql';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { HostText } from '../../platform/ui/HostText';
import { ListPage } from '../../platform/ui/ListPage';
import { Moment } from '../../platform/ui/Moment';
import { OnlyByCommand } from '../../platform/ui/OnlyByCommand';
import { AgentStatusSign } from './AgentStatusSign';
import { bandwidthLines } from './bandwidth-words';
import { NewAgent } from './NewAgent';

const Agents = graphql(`
  query Agents {
    agents(first: 200) {
      edges {
        node {
          id name hostName operatingSystem architecture version status lastSeenAt enrolledAt
          bandwidth {
            uploadBytesPerSecond downloadBytesPerSecond
            windows { weekdays from to timeZone uploadBytesPerSecond downloadBytesPerSecond }
          }
        }
      }
    }
  }
`);

type AgentView = AgentsQuery['agents']['edges'][number]['node'];

const COLUMNS: readonly Column<AgentView>[] = [
  { head: 'Name', cell: (agent) => <AgentName agent={agent} /> },
  { head: 'Status', cell: ({ status }) => <AgentStatusSign status={status} /> },
  { head: 'Last seen', cell: ({ lastSeenAt }) => <Moment at={lastSeenAt} relative absent="Never" /> },
  {
    head: 'System',
    cell: ({ operatingSystem, architecture }) => <HostText>{`${operatingSystem} ${architecture}`}</HostText>,
  },
  { head: 'Bandwidth', cell: ({ bandwidth }) => <Bandwidth lines={bandwidthLines(bandwidth)} /> },
  { head: 'Version', cell: ({ version }) => <HostText>{version}</HostText> },
  { head: 'Enrolled', cell: ({ enrolledAt }) => <Moment at={enrolledAt} /> },
];

const COMMANDS = [
  ['Limit how fast an agent sends and receives', 'holdfast agent limit NAME --upload 10MB/s --download 20MB/s'],
  [
    'Limit it at some times of the week',
    'holdfast agent limit NAME --upload 2MB/s --during "mon-fri 08:00-18:00 Europe/Berlin"',
  ],
  ['Revoke an agent: its host is not let in any more', 'holdfast agent revoke NAME'],
] as const;

export function AgentsPage() {
  const query = useFreshQuery(Agents, {});
  const agents = query.data?.agents.edges.map(({ node }) => node) ?? [];
  return (
    <ListPage
      title="Agents"
      actions={<NewAgent />}
      failure="The agents could not be read"
      query={query}
      panel="Hosts that back up and restore"
      below={agents.length > 0 && <OnlyByCommand commands={COMMANDS} />}
      isEmpty={agents.length === 0}
      emptyTitle="No host has enrolled yet"
      emptyAdvice={
        <Text size="sm">
          Choose “Add a host” for a one-time command to run there. The same from a shell:{' '}
          <code className="hf-mono">holdfast agent token NAME</code>
        </Text>
      }
    >
      <DataTable caption="Agents" columns={COLUMNS} rows={agents} />
    </ListPage>
  );
}

function AgentName({ agent }: { readonly agent: AgentView }) {
  return (
    <Stack gap={0}>
      <HostText>{agent.name}</HostText>
      {agent.hostName !== agent.name && (
        <Text size="sm" c="dimmed">
          <HostText>{agent.hostName}</HostText>
        </Text>
      )}
    </Stack>
  );
}

function Bandwidth({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return <Text size="sm">Unlimited</Text>;
  return (
    <Stack gap={0}>
      {lines.map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
    </Stack>
  );
}
