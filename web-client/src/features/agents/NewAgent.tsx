import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import { announceNews } from '../../platform/graphql/news';
import { problemOf } from '../../platform/graphql/problem';
import { CopyBlock } from '../../platform/ui/CopyBlock';
import { Dialog } from '../../platform/ui/Dialog';
import { Moment } from '../../platform/ui/Moment';
import { NameField } from '../../platform/ui/NameField';
import { NewButton } from '../../platform/ui/NewButton';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { SubscriptionField } from '../subscriptions/SubscriptionField';

const CreateEnrollmentTokenDocument = graphql(`
  mutation CreateEnrollmentToken($input: CreateEnrollmentTokenInput!) {
    createEnrollmentToken(input: $input) { token expiresAt serverAddress }
  }
`);

/** From the folder that Holdfast was built in. */
const AGENT = 'node_modules/.bin/holdfast-agent';

/** Asks for a name and shows, once, the command that makes a host an agent of that name. */
export function NewAgent() {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <NewButton onClick={open}>Add a host</NewButton>
      <Dialog
        opened={opened}
        onClose={() => {
          close();
          announceNews();
        }}
        size="lg"
        title="Add a host"
      >
        <Enrolment onDone={close} />
      </Dialog>
    </>
  );
}

function Enrolment({ onDone }: { readonly onDone: () => void }) {
  const [agentName, setAgentName] = useState('');
  const [subscriptionId, setSubscriptionId] = useState('');
  const [{ data, fetching, error }, create] = useMutation(CreateEnrollmentTokenDocument);
  const made = data?.createEnrollmentToken;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void create({ input: { subscriptionId, agentName } });
  };
  if (made) {
    return (
      <Stack>
        <Text size="sm">
          Clone Holdfast on the host and build it once (<code className="hf-mono">npm run build</code>). Then run there,
          in the folder of the clone and as root:
        </Text>
        <CopyBlock
          what="command"
          text={`${AGENT} enroll --server ${made.serverAddress} --token ${made.token}\n${AGENT} run`}
        />
        <Alert variant="default" title="The token works once">
          It is good until <Moment at={made.expiresAt} /> and is not shown again. The agent appears in the list as soon
          as it has enrolled.
        </Alert>
        <Group justify="flex-end">
          <Button onClick={onDone}>Done</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <NameField
          label="Name of the agent"
          description="How you want to see this host here; often its host name."
          value={agentName}
          onChange={setAgentName}
        />
        <SubscriptionField value={subscriptionId} onChange={setSubscriptionId} />
        {error && <ProblemAlert title="The token was not made" problem={problemOf(error)} />}
        <Group justify="flex-end">
          <Button type="submit" loading={fetching} disabled={subscriptionId === ''}>
            Make the command
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
