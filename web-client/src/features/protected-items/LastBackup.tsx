import { Group } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { Moment } from '../../platform/ui/Moment';
import { Status } from '../../platform/ui/Status';
import { JobStatus } from '../jobs/JobStatus';
import type { ItemView } from './item-fragment';

export function LastBackup({ item }: { readonly item: Pick<ItemView, 'lastBackup'> }) {
  const job = item.lastBackup;
  if (!job) return <Status tone="idle">Never backed up</Status>;
  return (
    <Group gap="xs">
      <Go to={paths.job(job.id)}>
        <JobStatus state={job.state} />
      </Go>
      <Moment at={job.finishedAt ?? job.createdAt} relative />
    </Group>
  );
}
