import type { Command } from 'commander';
import { collect, findAgent, findSubscription } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
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
          agents.map((row) => [row.name, row.hostName, row.status, row.lastSeenAt, row.version, row.subscription.name]),
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
        printer.line(`Run this on the host before ${made.expiresAt}; it works once:`);
        printer.line('');
        printer.line(`  holdfast-agent enroll --server ${made.serverAddress} --token ${made.token}`);
      });
    });

  agent
    .command('revoke <agent>')
    .description('refuse an agent from now on; its recovery points stay')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const { revokeAgent } = await client.ask(RevokeAgent, { input: { agentId: await findAgent(client, name) } });
      printer.result(revokeAgent.agent, () => printer.line(`Revoked ${revokeAgent.agent.name}.`));
    });
}
