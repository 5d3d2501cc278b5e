import { type Command, InvalidArgumentError } from 'commander';
import { followJobs, hasEnded, type LiveJob, readJob } from '../api/live-job.js';
import { collect, findProtectedItem, findSubscription, jobId } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { JobKind } from '../gql/graphql.js';
import { countOf, formatBytes, formatTime } from '../output/amounts.js';
import { reasonOf } from '../output/job-words.js';
import { type Printer, printable, type Row } from '../output/printer.js';
import { contextOf } from './command-context.js';
import { finishJob, printJob, TIMEOUT } from './finish-job.js';
import { WordOption } from './word-option.js';

const Jobs = graphql(`
  query Jobs($after: String, $first: Int!, $filter: JobFilter) {
    jobs(first: $first, after: $after, filter: $filter) {
      edges { node { ...JobFields } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CancelJob = graphql(`
  mutation CancelJob($input: CancelJobInput!) { cancelJob(input: $input) { job { id state } } }
`);

export const HEAD = ['STATE', 'KIND', 'ITEM', 'AGENT', 'CREATED', 'READ', 'STORED', 'WRITTEN', 'WARNINGS', 'ID'];

/** A backup reads and stores, a restore writes. */
export function rowOf(job: LiveJob): Row {
  const { bytesRead, bytesStored, bytesWritten } = job.progress;
  const isRestore = job.kind === 'RESTORE';
  return [
    job.state,
    job.kind === 'BACKUP' ? `${job.kind} ${job.backupType ?? ''}` : job.kind,
    job.protectedItem?.name,
    job.agent.name,
    formatTime(job.createdAt),
    isRestore ? undefined : formatBytes(bytesRead),
    isRestore ? undefined : formatBytes(bytesStored),
    isRestore ? formatBytes(bytesWritten) : undefined,
    job.noticesTotal,
    job.id,
  ];
}

function parseLimit(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

interface ListOptions {
  readonly watch: boolean;
  readonly limit: number;
  readonly item?: string;
  readonly kind?: JobKind;
  readonly subscription?: string;
}

export function addJobsCommands(program: Command): void {
  const jobs = program.command('jobs').description('backup and restore jobs');

  jobs
    .command('list', { isDefault: true })
    .description('list jobs, newest first')
    .option('-w, --watch', 'go on showing every change until Ctrl-C', false)
    .option('-n, --limit <n>', 'how many', parseLimit, 20)
    .option('--item <name>', 'of one protected item')
    .addOption(new WordOption('--kind <kind>', 'of one kind', ['BACKUP', 'RESTORE']))
    .option('--subscription <name>', 'subscription to watch (default: the only one, or "default")')
    .action(async (options: ListOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const protectedItemId = options.item === undefined ? undefined : await findProtectedItem(client, options.item);
      const filter = {
        ...(protectedItemId === undefined ? {} : { protectedItemId }),
        ...(options.kind === undefined ? {} : { kind: options.kind }),
      };
      const first = Math.min(options.limit, 200);
      const found = await collect(
        async (after) => (await client.ask(Jobs, { after, first, filter })).jobs,
        options.limit,
      );
      if (!options.watch) {
        printer.result(found, () => printer.table(HEAD, found.map(rowOf), found.map(reasonOf)));
        return;
      }
      const running = found.filter((job) => !hasEnded(job)).reverse();
      for (const job of running) showUpdate(job, printer);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      await followJobs(
        client,
        await findSubscription(client, options.subscription),
        (job) => showUpdate(job, printer),
        stop.signal,
      );
    });

  jobs
    .command('show <job>')
    .description('show one job, with its warnings')
    .option('-w, --watch', 'follow it to its end with a progress bar', false)
    .option(...TIMEOUT)
    .action(async (job: string, options: { watch: boolean; timeout?: number }, command: Command) => {
      const { api, printer } = contextOf(command);
      const id = jobId(job);
      const client = api();
      if (options.watch) {
        await finishJob(client, id, printer, options.timeout);
        return;
      }
      const found = await readJob(client, id);
      if (!printer.json) printer.table(HEAD, [rowOf(found)], [reasonOf(found)]);
      printJob(found, printer);
    });

  jobs
    .command('cancel <job>')
    .description('cancel a job')
    .action(async (job: string, _options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const { cancelJob } = await api().ask(CancelJob, { input: { jobId: jobId(job) } });
      printer.result(cancelJob.job, () =>
        printer.line(hasEnded(cancelJob.job) ? `The job is ${cancelJob.job.state}.` : 'The job is being cancelled.'),
      );
    });
}

function showUpdate(job: LiveJob, printer: Printer): void {
  printer.result(job, () => {
    const [moved, verb] =
      job.kind === 'RESTORE' ? [job.progress.bytesWritten, 'written'] : [job.progress.bytesRead, 'read'];
    const share =
      Number(job.progress.expectedBytes ?? 0) > 0 ? ` of ${formatBytes(job.progress.expectedBytes ?? 0)}` : '';
    const reason = reasonOf(job);
    printer.line(
      `${job.state.padEnd(10)} ${job.kind} ${printable(job.protectedItem?.name ?? '-')}: ${countOf(Number(job.progress.entries), 'entry', 'entries')}, ${formatBytes(moved)}${share} ${verb}` +
        `${reason ? `, ${reason}` : ''}`,
    );
  });
}
