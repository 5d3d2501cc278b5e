import type { Command } from 'commander';
import { collect, findRegion, findSubscription, findVault } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { DedupDomain, VaultsQuery } from '../gql/graphql.js';
import { countOf, formatBytes } from '../output/amounts.js';
import { printable } from '../output/printer.js';
import { askSavedSecret } from '../session/ask-secret.js';
import { contextOf } from './command-context.js';
import { WordOption } from './word-option.js';

const Vaults = graphql(`
  query Vaults($after: String) {
    vaults(first: 200, after: $after) {
      edges {
        node {
          id name kind redundancy dedupDomain recoveryKitConfirmed recoveryPointCount storedBytes
          service { state reason message lostPacks space { freeBytes totalBytes low } } subscription { name } region { name }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CreateVault = graphql(`
  mutation CreateVault($input: CreateVaultInput!) {
    createVault(input: $input) { recoveryKit vault { id name } }
  }
`);

const ConfirmRecoveryKit = graphql(`
  mutation ConfirmRecoveryKit($input: ConfirmRecoveryKitInput!) {
    confirmRecoveryKit(input: $input) { vault { id name recoveryKitConfirmed } }
  }
`);

interface CreateOptions {
  readonly subscription?: string;
  readonly region?: string;
  readonly dedup: DedupDomain;
}

type VaultRow = VaultsQuery['vaults']['edges'][number]['node'];

function warningsOf(row: VaultRow): string[] {
  return [whyOutOfService(row), lostPacks(row), lowOnSpace(row)].filter((warning) => warning !== undefined);
}

function whyOutOfService({ name, service }: VaultRow): string | undefined {
  if (service.state !== 'OUT_OF_SERVICE') return undefined;
  return printable(`${name} is out of service (${service.reason}): ${service.message}`);
}

function lostPacks({ name, service }: VaultRow): string | undefined {
  const count = service.lostPacks ?? 0;
  if (count === 0) return undefined;
  const packs = countOf(count, 'pack', 'packs');
  return printable(`${name} has lost data of ${packs}: put them back, or run a full backup of each item in it.`);
}

function lowOnSpace({ name, service }: VaultRow): string | undefined {
  const { space } = service;
  if (space?.low !== true) return undefined;
  const free = formatBytes(space.freeBytes);
  return printable(`The store of ${name} is low on space: ${free} free. Make room before backups fail.`);
}

function describeSpace({ service: { space } }: VaultRow): string | undefined {
  return space ? `${formatBytes(space.freeBytes)} of ${formatBytes(space.totalBytes)}` : undefined;
}

export function addVaultCommands(program: Command): void {
  const vault = program.command('vault').description('vaults, where recovery points live');

  vault
    .command('list', { isDefault: true })
    .description('list vaults')
    .action(async (_options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const vaults = await collect(async (after) => (await client.ask(Vaults, { after })).vaults);
      printer.result(vaults, () => {
        printer.table(
          [
            'NAME',
            'SUBSCRIPTION',
            'REGION',
            'KIND',
            'REDUNDANCY',
            'POINTS',
            'STORED',
            'FREE',
            'RECOVERY KIT',
            'SERVICE',
          ],
          vaults.map((row) => [
            row.name,
            row.subscription.name,
            row.region.name,
            row.kind,
            row.redundancy,
            row.recoveryPointCount,
            formatBytes(row.storedBytes),
            describeSpace(row),
            row.recoveryKitConfirmed ? 'stored' : 'NOT CONFIRMED',
            row.service.state,
          ]),
        );
        for (const row of vaults) for (const warning of warningsOf(row)) printer.line(warning);
      });
    });

  vault
    .command('create <name>')
    .description('create a vault and show its recovery kit, once')
    .option('--subscription <name>', 'subscription (default: the only one, or "default")')
    .option('--region <name>', 'region (default: the only one, or "local")')
    .addOption(new WordOption('--dedup <domain>', 'who shares chunks with whom', ['VAULT', 'ITEM']).default('VAULT'))
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const input = {
        name,
        subscriptionId: await findSubscription(client, options.subscription),
        regionId: await findRegion(client, options.region),
        dedupDomain: options.dedup,
      };
      const { createVault } = await client.ask(CreateVault, { input });
      printer.result({ ...createVault.vault, recoveryKit: createVault.recoveryKit }, () => {
        printer.line(`Created vault ${createVault.vault.name}.`);
        printer.line('');
        printer.line('Recovery kit, shown this once:');
        printer.line(`  ${createVault.recoveryKit}`);
        printer.line('');
        printer.line('It holds the key of this vault: whoever has it and the store can read everything in it.');
        printer.line(`Store it away from both, then run: holdfast vault confirm-kit ${createVault.vault.name}`);
      });
    });

  vault
    .command('confirm-kit <vault>')
    .description('check the recovery kit that you stored, and end the reminder')
    .addHelpText(
      'after',
      '\nThe kit is asked for, or taken from standard input, which may be all that "vault create" showed.',
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const { confirmRecoveryKit } = await client.ask(ConfirmRecoveryKit, {
        input: {
          vaultId: await findVault(client, name),
          recoveryKit: kitIn(await askSavedSecret(`Recovery kit of ${name}: `, 'recovery kit')),
        },
      });
      printer.result(confirmRecoveryKit.vault, () =>
        printer.line(`This is the recovery kit of ${confirmRecoveryKit.vault.name}: confirmed.`),
      );
    });
}

/** The kit in what was saved of `vault create`; the first line where none is found. */
export function kitIn(saved: string): string {
  const [kit] = /HFK1[-\t 0-9A-Z]{56,}/i.exec(saved) ?? /.*/.exec(saved) ?? [''];
  return kit.trim();
}
