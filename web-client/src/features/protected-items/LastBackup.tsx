import { Group, VisuallyHidden } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { Status } from '../../platform/ui/Status';
import { JobStatus } from '../jobs/JobStatus';
import { useJobState } from '../jobs/live-jobs';
import type { ItemView } from './item-fragment';

export function LastBackup({ item }: { readonly item: Pick<ItemView, 'name' | 'lastBackup'> }) {
  if (!item.lastBackup) return <Status tone="idle">Never backed up</Status>;
  return <Outcome itemName={item.name} job={item.lastBackup} />;
}

interface OutcomeProps {
  readonly itemName: string;
  readonly job: NonNullable<ItemView['lastBackup']>;
}

function Outcome({ itemName, job }: OutcomeProps) {
  const state = useJobState(job);
  return (
    <Group gap="xs">
      <Go to={paths.job(job.id)}>
        <JobStatus state={state} />
        <VisuallyHidden>
          {' '}
          (last backup of <HostText>{itemName}</HostText>)
        </VisuallyHidden>
      </Go>
      <Moment at={job.finishedAt ?? job.createdAt} relative />
    </Group>
  );
}
