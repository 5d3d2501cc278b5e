import type { BackupType } from '../../jobs/domain/job.js';

export type ScheduleFrequency = 'HOURLY' | 'DAILY' | 'WEEKLY';
export type Weekday = 'MONDAY' | 'TUESDAY' | 'WEDNESDAY' | 'THURSDAY' | 'FRIDAY' | 'SATURDAY' | 'SUNDAY';

/** When backups start, and of which type. */
export interface Schedule {
  readonly frequency: ScheduleFrequency;
  /** HOURLY: every so many hours. */
  readonly everyHours?: number;
  /** `HH:MM`, local to the time zone; HOURLY uses the minutes only. */
  readonly at: string;
  /** WEEKLY: at least one. */
  readonly weekdays?: readonly Weekday[];
  /** IANA name. */
  readonly timeZone: string;
  /** Starts are spread over so many minutes. */
  readonly jitterMinutes: number;
  readonly backupType: BackupType;
}

export interface Policy {
  readonly id: string;
  readonly subscriptionId: string;
  readonly name: string;
  readonly schedule: Schedule;
  /** Milliseconds since 1970, UTC. */
  readonly createdAt: number;
}
