import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { BackupType } from '../../jobs/domain/job.js';
import { BackupTypeEnum } from '../../jobs/graphql/backup-type.enum.js';
import type { Policy, Schedule, ScheduleFrequency, Weekday } from '../domain/policy.js';

const FrequencyEnum: { readonly [F in ScheduleFrequency]: F } = { HOURLY: 'HOURLY', DAILY: 'DAILY', WEEKLY: 'WEEKLY' };
registerEnumType(FrequencyEnum, { name: 'ScheduleFrequency' });
export const WeekdayEnum: { readonly [D in Weekday]: D } = {
  MONDAY: 'MONDAY',
  TUESDAY: 'TUESDAY',
  WEDNESDAY: 'WEDNESDAY',
  THURSDAY: 'THURSDAY',
  FRIDAY: 'FRIDAY',
  SATURDAY: 'SATURDAY',
  SUNDAY: 'SUNDAY',
};
registerEnumType(WeekdayEnum, { name: 'Weekday' });

const EVERY_HOURS = 'HOURLY: every so many hours.';
const AT = 'HH:MM, local to timeZone; HOURLY uses the minutes only.';
const JITTER = 'Starts are spread over so many minutes.';

@ObjectType('ScheduleRule')
export class ScheduleRuleType {
  @Field(() => FrequencyEnum)
  frequency!: ScheduleFrequency;
  @Field(() => Int, { nullable: true, description: EVERY_HOURS })
  everyHours!: number | null;
  @Field({ description: AT })
  at!: string;
  @Field(() => [WeekdayEnum], { nullable: true })
  weekdays!: Weekday[] | null;
  @Field()
  timeZone!: string;
  @Field(() => Int, { description: JITTER })
  jitterMinutes!: number;
  @Field(() => BackupTypeEnum)
  backupType!: BackupType;
}

@ObjectType('Policy', { implements: NodeType })
export class PolicyType extends NodeType {
  subscriptionId!: string;
  @Field()
  name!: string;
  @Field(() => ScheduleRuleType)
  schedule!: ScheduleRuleType;
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

export const PolicyConnection = connectionType('Policy', PolicyType);

@InputType('PolicyFilter')
export class PolicyFilterInput {
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
}

@InputType('ScheduleRuleInput')
export class ScheduleRuleInput {
  @Field(() => FrequencyEnum)
  frequency!: ScheduleFrequency;
  @Field(() => Int, { nullable: true, description: EVERY_HOURS })
  everyHours?: number | null;
  @Field({ description: AT })
  at!: string;
  @Field(() => [WeekdayEnum], { nullable: true })
  weekdays?: Weekday[] | null;
  @Field()
  timeZone!: string;
  @Field(() => Int, { nullable: true, defaultValue: 0, description: JITTER })
  jitterMinutes!: number | null;
  @Field(() => BackupTypeEnum, { nullable: true, defaultValue: BackupTypeEnum.INCREMENTAL })
  backupType!: BackupType | null;
}

@InputType('CreatePolicyInput')
export class CreatePolicyInput extends MutationInput {
  @Field(() => ID)
  subscriptionId!: string;
  @Field()
  name!: string;
  @Field(() => ScheduleRuleInput)
  schedule!: ScheduleRuleInput;
}

@ObjectType('CreatePolicyPayload')
export class CreatePolicyPayload extends MutationPayload {
  @Field(() => PolicyType)
  policy!: PolicyType;
}

export function presentPolicy({ id, subscriptionId, name, schedule, createdAt }: Policy): PolicyType {
  const { everyHours, weekdays, ...rest } = schedule;
  return {
    id: encodeGlobalId('Policy', id),
    subscriptionId,
    name,
    schedule: { ...rest, everyHours: everyHours ?? null, weekdays: weekdays ? [...weekdays] : null },
    createdAt,
  };
}

export function toSchedule(input: ScheduleRuleInput): Schedule {
  return {
    frequency: input.frequency,
    at: input.at,
    timeZone: input.timeZone,
    jitterMinutes: input.jitterMinutes ?? 0,
    backupType: input.backupType ?? 'INCREMENTAL',
    ...(input.everyHours === undefined || input.everyHours === null ? {} : { everyHours: input.everyHours }),
    ...(input.weekdays === undefined || input.weekdays === null ? {} : { weekdays: input.weekdays }),
  };
}
