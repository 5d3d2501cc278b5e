import { type Column, DataTable } from '../../platform/ui/DataTable';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { JobLink } from './JobLink';
import { JobProgress } from './JobProgress';
import { JobStatus } from './JobStatus';
import type { JobView } from './job-fragment';
import { isEnded } from './job-progress';

interface JobTableProps {
  readonly jobs: readonly JobView[];
  readonly caption: string;
}

const COLUMNS: readonly Column<JobView>[] = [
  {
    head: 'Job',
    cell: (job) => (
      <>
        <JobLink job={job} />
        {!isEnded(job.state) && <JobProgress job={job} />}
      </>
    ),
  },
  { head: 'State', cell: ({ state }) => <JobStatus state={state} /> },
  { head: 'Agent', cell: ({ agent }) => <HostText>{agent.name}</HostText> },
  { head: 'Started', cell: ({ startedAt }) => <Moment at={startedAt} relative absent="Not yet" /> },
  { head: 'Ended', cell: ({ finishedAt }) => <Moment at={finishedAt} relative /> },
];

export function JobTable({ jobs, caption }: JobTableProps) {
  return <DataTable caption={caption} columns={COLUMNS} rows={jobs} />;
}
