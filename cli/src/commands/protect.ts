import path from 'node:path';
import type { Command } from 'commander';
import { collect, findAgent, findPolicy, findProtectedItem, findVault } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import { contextOf } from './command-context.js';

const ProtectedItems = graphql(`
  query ProtectedItems($after: String) {
    protectedItems(first: 200, after: $after) {
      edges {
        node {
          id name protectionState nextBackupAt files { roots } agent { name } vault { name } policy { name }
          lastBackup { state finishedAt } lastRecoveryPoint { time }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ConfigureProtection = graphql(`
  mutation ConfigureProtection($input: ConfigureProtectionInput!) {
    configureProtection(input: $input) { protectedItem { id name } }
  }
`);

const StopProtection = graphql(`
  mutation StopProtection($input: StopProtectionInput!) {
    stopProtection(input: $input) { protectedItem { id name protectionState } }
  }
`);

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
          ['NAME', 'AGENT', 'VAULT', 'POLICY', 'STATE', 'LAST BACKUP', 'LAST POINT', 'NEXT', 'ROOTS'],
          items.map((item) => [
            item.name,
            item.agent.name,
            item.vault.name,
            item.policy?.name,
            item.protectionState,
            item.lastBackup?.state,
            item.lastRecoveryPoint?.time,
            item.nextBackupAt,
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
        printer.line(`Protected as "${protectedItem.name}". First backup now: holdfast backup "${protectedItem.name}"`);
      });
    });

  protect
    .command('stop <item>')
    .description('stop backing an item up')
    .option('--delete-data', 'mark its recovery points deleted, too', false)
    .action(async (name: string, options: { deleteData: boolean }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const protectedItemId = await findProtectedItem(client, name);
      const { stopProtection } = await client.ask(StopProtection, {
        input: { protectedItemId, retainData: !options.deleteData },
      });
      printer.result(stopProtection.protectedItem, () =>
        printer.line(`Stopped "${stopProtection.protectedItem.name}".`),
      );
    });
}

/** e.g. `web-1 home`: only what the server takes in a name. */
export function itemName(agent: string, folder: string): string {
  const base = path.posix.basename(folder).replace(/[^\p{L}\p{N} ._()-]/gu, '-') || 'root';
  return `${agent} ${base}`.slice(0, 63).trim();
}
