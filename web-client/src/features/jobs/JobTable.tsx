import { BACKUP_TYPE_WORDS, JOB_KIND_WORDS } from '../../platform/format/words';
import { paths } from '../../platform/routing/paths';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { JobProgress } from './JobProgress';
import { JobStatus } from './JobStatus';
import type { JobView } from './job-fragment';
import { isEnded } from './job-progress';

interface JobTableProps {
  readonly jobs: readonly JobView[];
  readonly caption: string;
}

/** A backup's type is known when it is done: what was asked for may have to be a full one. */
export function nameOfJob({ kind, backupType }: Pick<JobView, 'kind' | 'backupType'>): string {
  return kind === 'BACKUP' && backupType ? `${BACKUP_TYPE_WORDS[backupType]} backup` : JOB_KIND_WORDS[kind];
}

const COLUMNS: readonly Column<JobView>[] = [
  {
    head: 'Job',
    cell: (job) => (
      <>
        <Go to={paths.job(job.id)}>
          {nameOfJob(job)} of <HostText>{job.protectedItem.name}</HostText>
        </Go>
        {!isEnded(job.state) && <JobProgress job={job} />}
      </>
    ),
  },
  { head: 'State', cell: ({ state }) => <JobStatus state={state} /> },
  { head: 'Agent', room: 'wide', cell: ({ agent }) => <HostText>{agent.name}</HostText> },
  { head: 'Started', room: 'wide', cell: ({ startedAt }) => <Moment at={startedAt} relative absent="Not yet" /> },
  { head: 'Ended', room: 'wide', cell: ({ finishedAt }) => <Moment at={finishedAt} relative /> },
];

export function JobTable({ jobs, caption }: JobTableProps) {
  return <DataTable caption={caption} columns={COLUMNS} rows={jobs} />;
}
