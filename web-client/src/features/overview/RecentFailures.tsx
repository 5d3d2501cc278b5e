import { Text } from '@mantine/core';
import { visibleText } from '../../platform/format/visible-text';
import { EmptyState } from '../../platform/ui/EmptyState';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { JobLink } from '../jobs/JobLink';
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
                <JobLink job={job} />
                <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
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
