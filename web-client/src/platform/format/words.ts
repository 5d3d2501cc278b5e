/** The words of the API as people read them. */
import type {
  AgentStatus,
  BackupType,
  EntryType,
  JobKind,
  JobPhase,
  JobState,
  OnConflict,
  PreCheckStatus,
  ProtectionState,
  ScheduleFrequency,
  VaultServiceState,
  Weekday,
} from '../../gql/graphql';

export const JOB_STATE_WORDS: Record<JobState, string> = {
  QUEUED: 'Queued',
  DISPATCHED: 'Starting',
  RUNNING: 'Running',
  COMPLETED: 'Completed',
  COMPLETED_WITH_WARNINGS: 'Completed with warnings',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
};
export const JOB_KIND_WORDS: Record<JobKind, string> = { BACKUP: 'Backup', RESTORE: 'Restore' };
export const JOB_PHASE_WORDS: Record<JobPhase, string> = {
  PREPARING: 'Preparing',
  TRANSFERRING: 'Transferring',
  COMMITTING: 'Committing',
  FINISHING: 'Finishing',
};
export const BACKUP_TYPE_WORDS: Record<BackupType, string> = {
  FULL: 'Full',
  DIFFERENTIAL: 'Differential',
  INCREMENTAL: 'Incremental',
};
export const BACKUP_TYPE_MEANINGS: Record<BackupType, string> = {
  INCREMENTAL: 'Reads what changed since the last recovery point.',
  DIFFERENTIAL: 'Reads what changed since the last full backup.',
  FULL: 'Reads everything again. Nothing is stored twice.',
};
export const PROTECTION_STATE_WORDS: Record<ProtectionState, string> = {
  PENDING: 'Waiting for its first backup',
  PROTECTED: 'Protected',
  STOPPED: 'Stopped',
};
export const PRE_CHECK_WORDS: Record<PreCheckStatus, string> = {
  PASSED: 'Passed',
  WARNING: 'Some folders cannot be read',
  CRITICAL: 'No folder can be read',
};
export const AGENT_STATUS_WORDS: Record<AgentStatus, string> = {
  ONLINE: 'Online',
  OFFLINE: 'Offline',
  REVOKED: 'Revoked',
};
export const VAULT_SERVICE_STATE_WORDS: Record<VaultServiceState, string> = {
  IN_SERVICE: 'In service',
  STARTING: 'Starting',
  OUT_OF_SERVICE: 'Out of service',
};
export const ENTRY_TYPE_WORDS: Record<EntryType, string> = {
  FILE: 'File',
  DIRECTORY: 'Folder',
  SYMLINK: 'Symbolic link',
  FIFO: 'FIFO',
  SOCKET: 'Socket',
  CHARACTER_DEVICE: 'Character device',
  BLOCK_DEVICE: 'Block device',
};
export const ON_CONFLICT_WORDS: Record<OnConflict, readonly [title: string, meaning: string]> = {
  FAIL: ['Stop', 'Nothing is restored over what is there; the job fails and names what was in the way.'],
  SKIP: ['Keep what is there', 'Files that exist already stay as they are; the rest is restored.'],
  OVERWRITE: [
    'Replace what is there',
    'Files that exist already are replaced by those of the recovery point. A folder with something in it is never replaced by a file.',
  ],
  KEEP_BOTH: [
    'Keep both',
    'The restored file gets a name of its own beside the one that is there, unless that is the same.',
  ],
};

export const WEEKDAY_WORDS: Record<Weekday, string> = {
  MONDAY: 'Monday',
  TUESDAY: 'Tuesday',
  WEDNESDAY: 'Wednesday',
  THURSDAY: 'Thursday',
  FRIDAY: 'Friday',
  SATURDAY: 'Saturday',
  SUNDAY: 'Sunday',
};

interface Rule {
  readonly frequency: ScheduleFrequency;
  readonly everyHours?: number | null;
  readonly at: string;
  readonly weekdays?: readonly Weekday[] | null;
  readonly timeZone: string;
}

/** "Every day at 02:00 (Europe/Berlin)". */
export function describeSchedule(rule: Rule): string {
  const zone = `(${rule.timeZone})`;
  switch (rule.frequency) {
    case 'HOURLY': {
      const hours = rule.everyHours ?? 1;
      return `${hours === 1 ? 'Every hour' : `Every ${hours} hours`} at minute ${rule.at.slice(-2)} ${zone}`;
    }
    case 'DAILY':
      return `Every day at ${rule.at} ${zone}`;
    case 'WEEKLY':
      return `${(rule.weekdays ?? []).map((day) => WEEKDAY_WORDS[day]).join(', ')} at ${rule.at} ${zone}`;
  }
}
