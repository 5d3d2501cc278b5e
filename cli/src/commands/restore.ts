import { HoldfastError } from '@holdfast/core/errors';
import type { Command } from 'commander';
import { findAgent, findRecoveryPoint, NAMING_A_POINT } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { OnConflict, TriggerRestoreInput } from '../gql/graphql.js';
import { printable } from '../output/printer.js';
import { contextOf } from './command-context.js';
import { finishJob, TIMEOUT } from './finish-job.js';
import { WordOption } from './word-option.js';

const TriggerRestore = graphql(`
  mutation TriggerRestore($input: TriggerRestoreInput!) { triggerRestore(input: $input) { job { id } } }
`);

interface RestoreOptions {
  readonly to?: string;
  readonly original: boolean;
  readonly agent?: string;
  readonly base?: string;
  readonly select: string[];
  readonly onConflict: OnConflict;
  readonly wait: boolean;
  readonly timeout?: number;
}

const gather = (value: string, previous: string[]): string[] => [...previous, value];

export function addRestoreCommand(program: Command): void {
  program
    .command('restore <point>')
    .description(`restore a recovery point, or a part of it, and wait for the end; ${NAMING_A_POINT}`)
    .option('--to <path>', 'folder on the target host; the point comes to lie below it')
    .option('--original', 'restore to where it was backed up', false)
    .option('--agent <name>', "agent of the target host (default: the item's own)")
    .option('--base <path>', 'folder of the point that becomes --to (default: /); only what lies below it is restored')
    .option('--select <path>', 'restore only this path of the point (repeatable)', gather, [])
    .addOption(
      new WordOption('--on-conflict <mode>', 'what to do with what is there already', [
        'FAIL',
        'SKIP',
        'OVERWRITE',
        'KEEP_BOTH',
      ]).default('FAIL'),
    )
    .option('--no-wait', 'only start the job')
    .option(...TIMEOUT)
    .addHelpText(
      'after',
      `
What is there already:
  FAIL       nothing is restored over it; the job fails and names what was in the way
  SKIP       files that exist already stay as they are; the rest is restored
  OVERWRITE  files that exist already are replaced; what the point does not have stays,
             and so does a folder with something in it that has a file's name (a warning)
  KEEP_BOTH  the restored file gets a name of its own beside the one that is there,
             unless that is the same`,
    )
    .action(async (point: string, options: RestoreOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      if (options.original === (options.to !== undefined)) {
        throw new HoldfastError({
          kind: 'Validation',
          code: 'ONE_TARGET',
          message: 'say where to: either --to PATH or --original',
        });
      }
      if (options.original && (options.agent !== undefined || options.base !== undefined)) {
        throw new HoldfastError({
          kind: 'Validation',
          code: 'ORIGINAL_HAS_ITS_PLACE',
          message: '--original restores to the host and paths of the backup: --agent and --base go with --to',
        });
      }
      const client = api();
      const recoveryPointId = await findRecoveryPoint(client, point);
      const common = {
        recoveryPointId,
        onConflict: options.onConflict,
        ...(options.select.length > 0 ? { select: options.select } : {}),
      };
      const input: TriggerRestoreInput =
        options.to === undefined
          ? { ...common, mode: 'ORIGINAL_LOCATION' }
          : {
              ...common,
              mode: 'ALTERNATE_LOCATION',
              target: {
                path: options.to,
                ...(options.agent === undefined ? {} : { agentId: await findAgent(client, options.agent) }),
                ...(options.base === undefined ? {} : { base: options.base }),
              },
            };
      const { triggerRestore } = await client.ask(TriggerRestore, { input });
      if (!printer.json) process.stderr.write(`${printable(describeExtent(point, options))}\n`);
      if (options.wait) await finishJob(client, triggerRestore.job.id, printer, options.timeout);
      else printer.result(triggerRestore.job, () => printer.line(`Job ${triggerRestore.job.id}`));
    });
}

/** Which part of the point is restored, and where to. */
export function describeExtent(
  point: string,
  { to, base, select }: Pick<RestoreOptions, 'to' | 'base' | 'select'>,
): string {
  const part =
    select.length > 0 ? `only ${select.join(', ')}` : (base ?? '/') === '/' ? 'all' : `only what lies below ${base}`;
  if (to === undefined) return `Restoring ${part} of ${point} to where it was backed up.`;
  return `Restoring ${part} of ${point} ${base === undefined ? `below ${to}, with whole paths` : `to ${to}`}.`;
}
