import path from 'node:path';
import type { Command } from 'commander';
import { collect, findAgent, findPolicy, findProtectedItem, findVault } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { ConfigureProtectionMutation } from '../gql/graphql.js';
import { formatTime } from '../output/amounts.js';
import { printable } from '../output/printer.js';
import { confirm, YES } from '../session/confirm.js';
import { contextOf } from './command-context.js';
import { WARNINGS_EXIT } from './finish-job.js';

const ProtectedItems = graphql(`
  query ProtectedItems($after: String) {
    protectedItems(first: 200, after: $after) {
      edges {
        node {
          id name protectionState nextBackupAt files { roots } agent { name status } vault { name } policy { name }
          preCheck { status checkedAt problems { path message } }
          lastBackup { state finishedAt } lastRecoveryPoint { time }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ConfigureProtection = graphql(`
  mutation ConfigureProtection($input: ConfigureProtectionInput!) {
    configureProtection(input: $input) {
      protectedItem { id name preCheck { status checkedAt problems { path message } } agent { name status } }
    }
  }
`);

const StopProtection = graphql(`
  mutation StopProtection($input: StopProtectionInput!) {
    stopProtection(input: $input) { protectedItem { id name protectionState } }
  }
`);

type NewItem = ConfigureProtectionMutation['configureProtection']['protectedItem'];

interface AddOptions {
  readonly agent: string;
  readonly vault: string;
  readonly policy?: string;
  readonly name?: string;
  readonly include: string[];
  readonly exclude: string[];
  readonly oneFileSystem: boolean;
}

const gather = (value: string, previous: string[]): string[] => [...previous, value];

export function addProtectCommands(program: Command): void {
  const protect = program.command('protect').description('protected items: what is backed up, where to, and when');

  protect
    .command('list', { isDefault: true })
    .description('list protected items')
    .action(async (_options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const items = await collect(async (after) => (await client.ask(ProtectedItems, { after })).protectedItems);
      printer.result(items, () => {
        printer.table(
          ['NAME', 'AGENT', 'VAULT', 'POLICY', 'STATE', 'PRE-CHECK', 'LAST BACKUP', 'LAST POINT', 'NEXT', 'ROOTS'],
          items.map((item) => [
            item.name,
            item.agent.status === 'REVOKED' ? `${item.agent.name} (revoked)` : item.agent.name,
            item.vault.name,
            item.policy?.name,
            isLeft(item) ? 'AGENT REVOKED' : item.protectionState,
            isLeft(item) ? undefined : item.preCheck?.status,
            item.lastBackup?.state,
            formatTime(item.lastRecoveryPoint?.time),
            isLeft(item) ? undefined : formatTime(item.nextBackupAt),
            item.files.roots.join(' '),
          ]),
        );
      });
    });

  protect
    .command('add <path...>')
    .description('protect folders of a host (absolute paths as the host has them)')
    .requiredOption('--agent <name>', 'agent on the host')
    .requiredOption('--vault <name>', 'vault to back up to')
    .option('--policy <name>', 'policy that schedules it; without one it runs on demand')
    .option('--name <name>', "the item's name (default: the agent's and the first folder's)")
    .option('--include <pattern>', 'only what matches (repeatable)', gather, [])
    .option('--exclude <pattern>', 'leave out what matches (repeatable)', gather, [])
    .option('--one-file-system', 'do not enter other file systems', false)
    .action(async (paths: string[], options: AddOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const input = {
        agentId: await findAgent(client, options.agent),
        vaultId: await findVault(client, options.vault),
        policyId: options.policy === undefined ? null : await findPolicy(client, options.policy),
        name: options.name ?? itemName(options.agent, paths[0] ?? '/'),
        files: {
          roots: paths,
          include: options.include,
          exclude: options.exclude,
          oneFileSystem: options.oneFileSystem,
        },
      };
      const { configureProtection } = await client.ask(ConfigureProtection, { input });
      const { protectedItem } = configureProtection;
      printer.result(protectedItem, () => {
        printer.line(`Protected as "${protectedItem.name}".`);
        for (const line of describePreCheck(protectedItem)) printer.line(line);
        printer.line(describeNextStep(protectedItem));
      });
      if (protectedItem.preCheck && protectedItem.preCheck.status !== 'PASSED') process.exitCode = WARNINGS_EXIT;
    });

  protect
    .command('stop <item>')
    .description('stop backing an item up')
    .option('--delete-data', 'mark its recovery points deleted, too', false)
    .option(...YES)
    .action(async (name: string, options: { deleteData: boolean; yes: boolean }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const protectedItemId = await findProtectedItem(client, name);
      if (options.deleteData)
        await confirm(`Stop ${name} and delete all its recovery points? They cannot be restored any more.`, {
          yes: options.yes,
          json: printer.json,
        });
      const { stopProtection } = await client.ask(StopProtection, {
        input: { protectedItemId, retainData: !options.deleteData },
      });
      printer.result(stopProtection.protectedItem, () =>
        printer.line(`Stopped "${stopProtection.protectedItem.name}".`),
      );
    });
}

/** Nobody backs it up any more. */
function isLeft({ protectionState, agent }: { protectionState: string; agent: { status: string } }): boolean {
  return protectionState !== 'STOPPED' && agent.status === 'REVOKED';
}

/** What the agent says of the folders, in lines. */
export function describePreCheck({ agent, preCheck }: Pick<NewItem, 'agent' | 'preCheck'>): string[] {
  if (!preCheck)
    return [
      agent.status === 'ONLINE'
        ? `The agent ${agent.name} has not looked at the folders yet; the first backup does.`
        : `The agent ${agent.name} is not connected: whether the folders are there shows at the first backup.`,
    ];
  if (preCheck.status === 'PASSED') return [`Pre-check PASSED: ${agent.name} can read what is to be backed up.`];
  const outcome =
    preCheck.status === 'CRITICAL'
      ? 'nothing of it can be backed up as things are, and a backup would fail'
      : 'a part of it cannot be backed up as things are';
  return [
    `Pre-check ${preCheck.status} on ${agent.name}: ${outcome}.`,
    ...preCheck.problems.map(({ path: root, message }) => `  ${printable(root)}: ${printable(message)}`),
  ];
}

/** A backup of which nothing can be read would only fail. */
export function describeNextStep({ name, preCheck }: Pick<NewItem, 'name' | 'preCheck'>): string {
  if (preCheck?.status !== 'CRITICAL') return `First backup now: holdfast backup "${name}"`;
  return (
    `Once the agent can read them: holdfast backup "${name}"\n` +
    `If the path is wrong, add the right one after: holdfast protect stop "${name}"`
  );
}

/** e.g. `web-1 home`: only what the server takes in a name. */
export function itemName(agent: string, folder: string): string {
  const base = path.posix.basename(folder).replace(/[^\p{L}\p{N} ._()-]/gu, '-') || 'root';
  return `${agent} ${base}`.slice(0, 63).trim();
}
