import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import { problemOf } from '../../platform/graphql/problem';
import { Dialog } from '../../platform/ui/Dialog';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import type { JobView } from './job-fragment';

const CancelJobDocument = graphql(`
  mutation CancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) { job { id state } }
  }
`);

export function CancelJob({ job }: { readonly job: JobView }) {
  const [opened, { open, close }] = useDisclosure();
  const [{ fetching, error }, cancel] = useMutation(CancelJobDocument);
  const confirm = async (): Promise<void> => {
    const result = await cancel({ input: { jobId: job.id } });
    if (result.error === undefined) close();
  };
  return (
    <>
      <Button variant="default" onClick={open}>
        Cancel job
      </Button>
      <Dialog opened={opened} onClose={close} title="Cancel this job?">
        <Stack>
          <Text size="sm">
            {job.kind === 'BACKUP'
              ? 'No recovery point is made. What was sent already is used by the next backup.'
              : 'What has been restored so far stays in place; the rest is not restored.'}
          </Text>
          {error && <ProblemAlert title="The job was not cancelled" problem={problemOf(error)} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Let it run
            </Button>
            <Button loading={fetching} onClick={() => void confirm()}>
              Cancel the job
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
