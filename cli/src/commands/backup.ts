import type { Command } from 'commander';
import { findProtectedItem } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { BackupType } from '../gql/graphql.js';
import { contextOf } from './command-context.js';
import { finishJob, TIMEOUT } from './finish-job.js';
import { WordOption } from './word-option.js';

const BackupNow = graphql(`
  mutation BackupNow($input: BackupNowInput!) { backupNow(input: $input) { job { id } } }
`);

interface BackupOptions {
  readonly type: BackupType;
  readonly wait: boolean;
  readonly timeout?: number;
}

export function addBackupCommand(program: Command): void {
  program
    .command('backup <item>')
    .description('back a protected item up now, and wait for the end')
    .addOption(
      new WordOption('--type <type>', 'backup type', ['FULL', 'DIFFERENTIAL', 'INCREMENTAL']).default('INCREMENTAL'),
    )
    .option('--no-wait', 'only start the job')
    .option(...TIMEOUT)
    .action(async (name: string, options: BackupOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const protectedItemId = await findProtectedItem(client, name);
      const { backupNow } = await client.ask(BackupNow, { input: { protectedItemId, type: options.type } });
      if (options.wait) await finishJob(client, backupNow.job.id, printer, options.timeout);
      else printer.result(backupNow.job, () => printer.line(`Job ${backupNow.job.id}`));
    });
}
