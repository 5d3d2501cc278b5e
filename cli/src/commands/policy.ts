import { HoldfastError } from '@holdfast/core/errors';
import { type Command, InvalidArgumentError } from 'commander';
import { collect, findSubscription } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { BackupType, ScheduleRuleInput, Weekday } from '../gql/graphql.js';
import { contextOf } from './command-context.js';
import { parseWeekdays, shortWeekdays } from './weekdays.js';
import { WordOption } from './word-option.js';

const Policies = graphql(`
  query Policies($after: String) {
    policies(first: 200, after: $after) {
      edges {
        node {
          id name subscription { name }
          schedule { frequency everyHours at weekdays timeZone jitterMinutes backupType }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CreatePolicy = graphql(`
  mutation CreatePolicy($input: CreatePolicyInput!) {
    createPolicy(input: $input) { policy { id name } }
  }
`);

function parseCount(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

interface CreateOptions {
  readonly subscription?: string;
  readonly everyHours?: number;
  readonly daily?: string;
  readonly weekly?: Weekday[];
  readonly at?: string;
  readonly timeZone: string;
  readonly jitter: number;
  readonly type: BackupType;
}

/** Exactly one of the three rules, said in the way people say it. */
export function scheduleFrom(options: CreateOptions): ScheduleRuleInput {
  const { everyHours, daily, weekly, at, timeZone, jitter, type } = options;
  const common = { timeZone, jitterMinutes: jitter, backupType: type };
  const given = [everyHours, daily, weekly].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw refusal('ONE_RULE', 'give one of --every-hours N, --daily HH:MM, or --weekly DAYS --at HH:MM');
  }
  if (everyHours !== undefined) return { ...common, frequency: 'HOURLY', everyHours, at: atMinute(at ?? '0') };
  if (daily !== undefined) return { ...common, frequency: 'DAILY', at: daily };
  if (at === undefined) throw refusal('TIME_MISSING', '--weekly says on which days; say at what time with --at HH:MM');
  return { ...common, frequency: 'WEEKLY', weekdays: weekly ?? [], at };
}

function refusal(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code, message });
}

function atMinute(at: string): string {
  return /^\d{1,2}$/.test(at) ? `00:${at.padStart(2, '0')}` : at;
}

export function addPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('policies: when backups run');

  policy
    .command('list', { isDefault: true })
    .description('list policies')
    .action(async (_options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const policies = await collect(async (after) => (await client.ask(Policies, { after })).policies);
      printer.result(policies, () => {
        printer.table(
          ['NAME', 'SUBSCRIPTION', 'RULE', 'TIME ZONE', 'TYPE'],
          policies.map(({ name, subscription, schedule }) => [
            name,
            subscription.name,
            describeRule(schedule),
            schedule.timeZone,
            schedule.backupType,
          ]),
        );
      });
    });

  policy
    .command('create <name>')
    .description('create a policy')
    .option('--subscription <name>', 'subscription (default: the only one, or "default")')
    .option('--every-hours <n>', 'run every n hours, counted from midnight: 1, 2, 3, 4, 6, 8, 12 or 24', parseCount)
    .option('--daily <HH:MM>', 'run every day at this time')
    .option('--weekly <days>', 'run on these weekdays (mon,thu) at the time of --at', parseWeekdays)
    .option('--at <HH:MM>', 'time of day for --weekly; for --every-hours the minute (30, or 00:30; default: 0)')
    .option('--time-zone <zone>', 'IANA time zone', Intl.DateTimeFormat().resolvedOptions().timeZone)
    .option('--jitter <minutes>', 'spread starts over so many minutes', parseCount, 0)
    .addOption(
      new WordOption('--type <type>', 'backup type', ['FULL', 'DIFFERENTIAL', 'INCREMENTAL']).default('INCREMENTAL'),
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const { api, printer } = contextOf(command);
      const schedule = scheduleFrom(options);
      const client = api();
      const subscriptionId = await findSubscription(client, options.subscription);
      const { createPolicy } = await client.ask(CreatePolicy, { input: { name, subscriptionId, schedule } });
      printer.result(createPolicy.policy, () => printer.line(`Created policy ${createPolicy.policy.name}.`));
    });
}

function describeRule(rule: {
  frequency: string;
  everyHours?: number | null;
  at: string;
  weekdays?: readonly string[] | null;
}): string {
  if (rule.frequency === 'HOURLY') return `every ${rule.everyHours ?? 1} h at minute ${rule.at.slice(-2)}`;
  if (rule.frequency === 'DAILY') return `daily at ${rule.at}`;
  return `${shortWeekdays(rule.weekdays ?? [])} at ${rule.at}`;
}
