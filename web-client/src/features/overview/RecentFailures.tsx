import { Text } from '@mantine/core';
import { visibleText } from '../../platform/format/visible-text';
import { paths } from '../../platform/routing/paths';
import { EmptyState } from '../../platform/ui/EmptyState';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { nameOfJob } from '../jobs/JobTable';
import type { JobView } from '../jobs/job-fragment';
import styles from './Overview.module.css';

export function RecentFailures({ jobs }: { readonly jobs: readonly JobView[] }) {
  return (
    <Panel title="Recent failures" flush>
      {jobs.length === 0 ? (
        <EmptyState title="None">
          <Text size="sm" c="dimmed">
            A job that fails stands here with its reason.
          </Text>
        </EmptyState>
      ) : (
        <ul className={styles['rows']}>
          {jobs.map((job) => (
            <li key={job.id}>
              <div className={styles['grow']}>
                <Go to={paths.job(job.id)}>
                  {nameOfJob(job)} of <HostText>{job.protectedItem.name}</HostText>
                </Go>
                <Text size="sm" c="dimmed" lineClamp={2}>
                  {visibleText(job.error?.message ?? 'No reason was given.')}
                </Text>
              </div>
              <Moment at={job.finishedAt} relative />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
