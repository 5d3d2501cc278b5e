import { Group } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { Moment } from '../../platform/ui/Moment';
import { Status } from '../../platform/ui/Status';
import { JobStatus } from '../jobs/JobStatus';
import { useJobState } from '../jobs/live-jobs';
import type { ItemView } from './item-fragment';

export function LastBackup({ item }: { readonly item: Pick<ItemView, 'lastBackup'> }) {
  if (!item.lastBackup) return <Status tone="idle">Never backed up</Status>;
  return <Outcome job={item.lastBackup} />;
}

function Outcome({ job }: { readonly job: NonNullable<ItemView['lastBackup']> }) {
  const state = useJobState(job);
  return (
    <Group gap="xs">
      <Go to={paths.job(job.id)}>
        <JobStatus state={state} />
      </Go>
      <Moment at={job.finishedAt ?? job.createdAt} relative />
    </Group>
  );
}
