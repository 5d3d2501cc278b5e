import { Stack, Text } from '@mantine/core';
import { visibleText } from '../../platform/format/visible-text';
import { JOB_KIND_WORDS } from '../../platform/format/words';
import { ProgressBar } from '../../platform/ui/ProgressBar';
import type { JobView } from './job-fragment';
import { describeProgress, failedAttempt } from './job-progress';

/** A running job's bar and words with what it cannot go on without, or what a queued job waits for. */
export function JobProgress({ job }: { readonly job: JobView }) {
  if (job.state === 'QUEUED') {
    const failed = failedAttempt(job);
    return (
      <Text size="sm" c="dimmed">
        {failed && `${failed} `}
        {job.waitingFor ? visibleText(job.waitingFor) : 'Waiting for its turn.'}
      </Text>
    );
  }
  const words = job.state === 'DISPATCHED' ? 'Starting on the agent' : describeProgress(job);
  const fraction = job.state === 'DISPATCHED' ? undefined : (job.progress.fraction ?? undefined);
  return (
    <Stack gap={4} pt={6}>
      <ProgressBar
        label={`${JOB_KIND_WORDS[job.kind]} of ${visibleText(job.protectedItem.name)}`}
        fraction={fraction}
        valueText={words}
      />
      <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
        {words}
      </Text>
      {job.waitingFor && <Text size="sm">Waiting: {visibleText(job.waitingFor)}</Text>}
    </Stack>
  );
}
