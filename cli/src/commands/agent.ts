import { HoldfastError } from '@holdfast/core/errors';
import type { Command } from 'commander';
import type { ApiClient } from '../api/client.js';
import { collect, findAgent, findSubscription } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { BandwidthOfAgentFragment } from '../gql/graphql.js';
import { formatTime } from '../output/amounts.js';
import { printable } from '../output/printer.js';
import { confirm, YES } from '../session/confirm.js';
import { describeRate, describeSpan, type GivenRate, parseRate, parseSpan, type Span, withRates } from './bandwidth.js';
import { contextOf } from './command-context.js';

const Agents = graphql(`
  query Agents($after: String) {
    agents(first: 200, after: $after) {
      edges {
        node { id name hostName operatingSystem architecture version status lastSeenAt enrolledAt subscription { name } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CreateEnrollmentToken = graphql(`
  mutation CreateEnrollmentToken($input: CreateEnrollmentTokenInput!) {
    createEnrollmentToken(input: $input) { token expiresAt serverAddress }
  }
`);

const RevokeAgent = graphql(`
  mutation RevokeAgent($input: RevokeAgentInput!) {
    revokeAgent(input: $input) { agent { id name status } }
  }
`);

const ItemsOfAgents = graphql(`
  query ItemsOfAgents($after: String) {
    protectedItems(first: 200, after: $after) {
      edges { node { name protectionState agent { id } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const AgentBandwidth = graphql(`
  query AgentBandwidth($id: ID!) {
    agent(id: $id) { ...BandwidthOfAgent }
  }
`);

const SetAgentBandwidth = graphql(`
  mutation SetAgentBandwidth($input: SetAgentBandwidthInput!) {
    setAgentBandwidth(input: $input) { agent { ...BandwidthOfAgent } }
  }
`);

graphql(`
  fragment BandwidthOfAgent on Agent {
    id
    name
    bandwidth {
      uploadBytesPerSecond
      downloadBytesPerSecond
      windows { weekdays from to timeZone uploadBytesPerSecond downloadBytesPerSecond }
    }
  }
`);

interface LimitOptions {
  readonly upload?: GivenRate;
  readonly download?: GivenRate;
  readonly during?: Span;
  readonly clear?: boolean;
}

export function addAgentCommands(program: Command): void {
  const agent = program.command('agent').description('agents, the program on each host');

  agent
    .command('list', { isDefault: true })
    .description('list agents')
    .action(async (_options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const agents = await collect(async (after) => (await client.ask(Agents, { after })).agents);
      printer.result(agents, () => {
        printer.table(
          ['NAME', 'HOST', 'STATUS', 'LAST SEEN', 'VERSION', 'SUBSCRIPTION'],
          agents.map((row) => [
            row.name,
            row.hostName,
            row.status,
            formatTime(row.lastSeenAt),
            row.version,
            row.subscription.name,
          ]),
        );
      });
    });

  agent
    .command('token <agent-name>')
    .description('make a one-time token with which a host enrols under this name')
    .option('--subscription <name>', 'subscription (default: the only one, or "default")')
    .action(async (agentName: string, options: { subscription?: string }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const subscriptionId = await findSubscription(client, options.subscription);
      const { createEnrollmentToken: made } = await client.ask(CreateEnrollmentToken, {
        input: { subscriptionId, agentName },
      });
      printer.result(made, () => {
        printer.line(`Run this on the host before ${formatTime(made.expiresAt)}; it works once:`);
        printer.line('');
        printer.line(`  holdfast-agent enroll --server ${made.serverAddress} --token ${made.token}`);
      });
    });

  agent
    .command('limit <agent>')
    .description('show or change how fast an agent may send and receive')
    .option('--upload <rate>', 'for what it sends: 10MB/s, 80Mbit/s, none', parseRate)
    .option('--download <rate>', 'for what it receives', parseRate)
    .option(
      '--during <span>',
      'only then, instead of what holds otherwise: "mon-fri 08:00-18:00 Europe/Berlin"',
      parseSpan,
    )
    .option('--clear', 'no limits at all: those given beside it are the first again')
    .action(async (name: string, options: LimitOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const id = await findAgent(client, name);
      const limited = await limitAgent(client, id, options);
      printer.result(limited, () => {
        const { bandwidth } = limited;
        printer.table(
          ['WHEN', 'UPLOAD', 'DOWNLOAD'],
          [...bandwidth.windows, bandwidth].map((limit) => [
            'weekdays' in limit ? describeSpan(limit) : 'otherwise',
            describeRate(limit.uploadBytesPerSecond),
            describeRate(limit.downloadBytesPerSecond),
          ]),
        );
      });
    });

  agent
    .command('revoke <agent>')
    .description('refuse an agent from now on; its recovery points stay')
    .option(...YES)
    .action(async (name: string, { yes }: { yes: boolean }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const agentId = await findAgent(client, name);
      await confirm(`Revoke ${name}? Its host is not backed up any more until it is enrolled anew.`, {
        yes,
        json: printer.json,
      });
      const { revokeAgent } = await client.ask(RevokeAgent, { input: { agentId } });
      const items = await itemsOf(client, agentId);
      printer.result({ ...revokeAgent.agent, items }, () => {
        printer.line(`Revoked ${revokeAgent.agent.name}.`);
        if (items.length > 0)
          printer.line(
            `Not backed up any more: ${items.map(printable).join(', ')}. Their recovery points stay; protect the folders anew once the host is enrolled again.`,
          );
      });
    });
}

/** Names of the items that only this agent could back up. */
async function itemsOf(client: ApiClient, agentId: string): Promise<string[]> {
  const items = await collect(async (after) => (await client.ask(ItemsOfAgents, { after })).protectedItems);
  return items
    .filter(({ agent, protectionState }) => agent.id === agentId && protectionState !== 'STOPPED')
    .map(({ name }) => name);
}

/** What holds afterwards. */
async function limitAgent(client: ApiClient, id: string, options: LimitOptions): Promise<BandwidthOfAgentFragment> {
  const { upload, download, during, clear } = options;
  const { agent } = await client.ask(AgentBandwidth, { id });
  if (!agent) throw refusal('NotFound', 'NO_SUCH_NAME', 'the agent is gone');
  if (upload === undefined && download === undefined && clear === undefined) {
    if (during === undefined) return agent;
    throw refusal('Validation', 'RATE_MISSING', '--during says when; give --upload, --download or both for how much');
  }
  const rates = {
    ...(upload === undefined ? {} : { uploadBytesPerSecond: upload.rate }),
    ...(download === undefined ? {} : { downloadBytesPerSecond: download.rate }),
  };
  const limits = withRates(clear ? { windows: [] } : agent.bandwidth, rates, during);
  const { setAgentBandwidth } = await client.ask(SetAgentBandwidth, {
    input: { agentId: id, ...limits, windows: [...limits.windows] },
  });
  return setAgentBandwidth.agent;
}

function refusal(kind: 'NotFound' | 'Validation', code: string, message: string): HoldfastError {
  return new HoldfastError({ kind, code, message });
}
