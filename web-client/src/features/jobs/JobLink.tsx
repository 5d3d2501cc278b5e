import { VisuallyHidden } from '@mantine/core';
import { formatLocal } from '../../platform/format/time';
import { BACKUP_TYPE_WORDS, JOB_KIND_WORDS } from '../../platform/format/words';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import type { JobView } from './job-fragment';

/** A backup's type is known when it is done: what was asked for may have to be a full one. */
export function nameOfJob({ kind, backupType }: Pick<JobView, 'kind' | 'backupType'>): string {
  return kind === 'BACKUP' && backupType ? `${BACKUP_TYPE_WORDS[backupType]} backup` : JOB_KIND_WORDS[kind];
}

/** To the page of a job. Of several jobs of one item ears hear which: the row shows times to eyes only. */
export function JobLink({ job }: { readonly job: JobView }) {
  return (
    <Go to={paths.job(job.id)}>
      {nameOfJob(job)} of <HostText>{job.protectedItem.name}</HostText>
      <VisuallyHidden> (created {formatLocal(Date.parse(job.createdAt))})</VisuallyHidden>
    </Go>
  );
}
