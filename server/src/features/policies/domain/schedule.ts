import { isHoldfastError } from '@holdfast/core/errors';
import {
  checkScheduleRule,
  decideRun,
  jitterOffset,
  nextOccurrence,
  type RunDecision,
  type ScheduleRule,
} from '@holdfast/core/policy';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';
import type { Schedule } from './policy.js';
import { isoWeekday } from './weekdays.js';

const MINUTE_MS = 60_000;
const LONGEST_JITTER_MINUTES = 12 * 60;

/** Throws Validation with the field's path, for a rule that names no moments or says what it cannot mean. */
export function checkSchedule(schedule: Schedule, field: string): Schedule {
  const { frequency, everyHours, weekdays, jitterMinutes } = schedule;
  if (!/^\d{2}:\d{2}$/.test(schedule.at))
    throw invalidInput(`${field}.at`, 'SCHEDULE_RULE', 'A time is given as HH:MM.');
  if (frequency !== 'HOURLY' && everyHours !== undefined)
    throw invalidInput(`${field}.everyHours`, 'SCHEDULE_RULE', 'Only HOURLY takes everyHours.');
  if (frequency !== 'WEEKLY' && weekdays !== undefined)
    throw invalidInput(`${field}.weekdays`, 'SCHEDULE_RULE', 'Only WEEKLY takes weekdays.');
  if (frequency === 'HOURLY' && everyHours === undefined)
    throw invalidInput(`${field}.everyHours`, 'SCHEDULE_RULE', 'HOURLY needs everyHours.');
  try {
    checkScheduleRule(toRule(schedule));
  } catch (error) {
    if (!isHoldfastError(error, 'Validation')) throw error;
    const name = error.details.field === 'minute' ? 'at' : (error.details.field ?? 'at');
    throw invalidInput(`${field}.${name}`, error.code, error.message);
  }
  const longest =
    frequency === 'HOURLY' ? Math.min((everyHours ?? 1) * 60 - 1, LONGEST_JITTER_MINUTES) : LONGEST_JITTER_MINUTES;
  if (!Number.isInteger(jitterMinutes) || jitterMinutes < 0 || jitterMinutes > longest) {
    throw invalidInput(
      `${field}.jitterMinutes`,
      'SCHEDULE_RULE',
      `Starts are spread over 0 to ${longest} minutes here.`,
    );
  }
  return schedule;
}

/** Where an item stands in its schedule. Milliseconds since 1970, UTC. */
export interface SchedulePlace {
  /** The latest occurrence that was served, or when the schedule came into force. */
  readonly servedUntil: number;
  /** When the next backup starts, the item's own delay included. */
  readonly nextBackupAt: number;
}

export function scheduleStart(schedule: Schedule, itemId: string, now: number): SchedulePlace {
  return { servedUntil: now, nextBackupAt: nextOccurrence(toRule(schedule), now) + offsetOf(schedule, itemId) };
}

/** Whether the item's backup is due. However long nobody looked, one backup stands for all that was missed. */
export function decideBackup(
  schedule: Schedule,
  item: { readonly id: string; readonly servedUntil: number },
  now: number,
): RunDecision {
  return decideRun({
    rule: toRule(schedule),
    servedUntilMs: item.servedUntil,
    nowMs: now,
    offsetMs: offsetOf(schedule, item.id),
  });
}

function offsetOf(schedule: Schedule, itemId: string): number {
  return jitterOffset(itemId, schedule.jitterMinutes * MINUTE_MS);
}

function toRule(schedule: Schedule): ScheduleRule {
  const [hour, minute] = schedule.at.split(':').map(Number) as [number, number];
  const { timeZone } = schedule;
  switch (schedule.frequency) {
    case 'HOURLY':
      return { kind: 'HOURLY', everyHours: schedule.everyHours ?? 1, minute, timeZone };
    case 'DAILY':
      return { kind: 'DAILY', at: { hour, minute }, timeZone };
    case 'WEEKLY':
      return {
        kind: 'WEEKLY',
        weekdays: (schedule.weekdays ?? []).map(isoWeekday),
        at: { hour, minute },
        timeZone,
      };
  }
}
