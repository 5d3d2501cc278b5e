import { Text } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { EmptyState } from '../../platform/ui/EmptyState';
import { Go } from '../../platform/ui/Go';
import { Panel } from '../../platform/ui/Panel';
import { JobLink } from '../jobs/JobLink';
import { JobProgress } from '../jobs/JobProgress';
import { JobStatus } from '../jobs/JobStatus';
import type { JobView } from '../jobs/job-fragment';
import { useOpenJobs } from '../jobs/live-jobs';
import styles from './Overview.module.css';

/** Jobs that run or wait, moving by themselves. */
export function JobsNow({ listed }: { readonly listed: readonly JobView[] }) {
  const jobs = useOpenJobs(listed);
  return (
    <Panel title="Running now" actions={<Go to={paths.jobs}>All jobs</Go>} flush>
      {jobs.length === 0 ? (
        <EmptyState title="No job is running">
          <Text size="sm" c="dimmed">
            Backups and restores appear here as soon as they begin.
          </Text>
        </EmptyState>
      ) : (
        <ul className={styles['rows']}>
          {jobs.map((job) => (
            <li key={job.id}>
              <div className={styles['grow']}>
                <JobLink job={job} />
                <JobProgress job={job} />
              </div>
              <JobStatus state={job.state} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
