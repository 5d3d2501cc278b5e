import type { BandwidthLimit, BandwidthLimits, BandwidthWindow, TimeOfDay } from '@holdfast/core/policy';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { MutationInput } from '../../../platform/graphql/mutation.js';
import { BigIntScalar } from '../../../platform/graphql/scalars.js';
import type { Weekday } from '../../policies/domain/policy.js';
import { isoWeekday, nameOfWeekday } from '../../policies/domain/weekdays.js';
import { WeekdayEnum } from '../../policies/graphql/policy.type.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';

const RATE = 'Bytes per second; null: as fast as the link takes it.';
const WEEKDAYS = 'On which the window begins.';
const FROM = 'HH:MM, local to timeZone.';
const TO = 'HH:MM, exclusive; at or before `from`, on the next day.';
const WINDOWS = 'They overrule the limits beside them; where several hold at once, the lower rate counts.';

@ObjectType('BandwidthWindow')
export class BandwidthWindowType {
  @Field(() => [WeekdayEnum], { description: WEEKDAYS })
  weekdays!: Weekday[];
  @Field({ description: FROM })
  from!: string;
  @Field({ description: TO })
  to!: string;
  @Field()
  timeZone!: string;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  uploadBytesPerSecond!: number | null;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  downloadBytesPerSecond!: number | null;
}

@ObjectType('BandwidthLimits')
export class BandwidthLimitsType {
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  uploadBytesPerSecond!: number | null;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  downloadBytesPerSecond!: number | null;
  @Field(() => [BandwidthWindowType], { description: WINDOWS })
  windows!: BandwidthWindowType[];
}

@InputType('BandwidthWindowInput')
export class BandwidthWindowInput {
  @Field(() => [WeekdayEnum], { description: WEEKDAYS })
  weekdays!: Weekday[];
  @Field({ description: FROM })
  from!: string;
  @Field({ description: TO })
  to!: string;
  @Field()
  timeZone!: string;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  uploadBytesPerSecond?: bigint | null;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  downloadBytesPerSecond?: bigint | null;
}

@InputType('SetAgentBandwidthInput')
export class SetAgentBandwidthInput extends MutationInput {
  @Field(() => ID)
  agentId!: string;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  uploadBytesPerSecond?: bigint | null;
  @Field(() => BigIntScalar, { nullable: true, description: RATE })
  downloadBytesPerSecond?: bigint | null;
  @Field(() => [BandwidthWindowInput], { nullable: true, defaultValue: [], description: WINDOWS })
  windows!: BandwidthWindowInput[] | null;
}

export function presentBandwidth(limits: BandwidthLimits): BandwidthLimitsType {
  return {
    ...presentRates(limits),
    windows: limits.windows.map((window) => ({
      ...presentRates(window),
      weekdays: window.weekdays.map(nameOfWeekday),
      from: presentTime(window.from),
      to: presentTime(window.to),
      timeZone: window.timeZone,
    })),
  };
}

/** Throws Validation for a time that is not HH:MM; whether it all makes sense is for the use case to say. */
export function toBandwidthLimits(input: SetAgentBandwidthInput): BandwidthLimits {
  const windows = (input.windows ?? []).map(
    (window, index): BandwidthWindow => ({
      ...toRates(window),
      weekdays: window.weekdays.map(isoWeekday),
      from: toTime(window.from, `windows.${index}.from`),
      to: toTime(window.to, `windows.${index}.to`),
      timeZone: window.timeZone,
    }),
  );
  return { ...toRates(input), windows };
}

type Rates = Pick<SetAgentBandwidthInput, 'downloadBytesPerSecond' | 'uploadBytesPerSecond'>;

function toRates({ uploadBytesPerSecond, downloadBytesPerSecond }: Rates): BandwidthLimit {
  return {
    ...(typeof uploadBytesPerSecond === 'bigint' && { uploadBytesPerSecond: Number(uploadBytesPerSecond) }),
    ...(typeof downloadBytesPerSecond === 'bigint' && { downloadBytesPerSecond: Number(downloadBytesPerSecond) }),
  };
}

function presentRates({ uploadBytesPerSecond, downloadBytesPerSecond }: BandwidthLimit) {
  return {
    uploadBytesPerSecond: uploadBytesPerSecond ?? null,
    downloadBytesPerSecond: downloadBytesPerSecond ?? null,
  };
}

function toTime(text: string, field: string): TimeOfDay {
  const [, hour, minute] = /^(\d{2}):(\d{2})$/.exec(text) ?? [];
  if (hour === undefined || minute === undefined) throw invalidInput(field, 'BANDWIDTH', 'A time is given as HH:MM.');
  return { hour: Number(hour), minute: Number(minute) };
}

function presentTime({ hour, minute }: TimeOfDay): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
