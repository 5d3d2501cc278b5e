import { Alert, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import { announceNews } from '../../platform/graphql/news';
import { problemOf } from '../../platform/graphql/problem';
import { Dialog } from '../../platform/ui/Dialog';
import { HostText } from '../../platform/ui/HostText';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';

const ConfirmRecoveryKitDocument = graphql(`
  mutation ConfirmRecoveryKit($input: ConfirmRecoveryKitInput!) {
    confirmRecoveryKit(input: $input) { vault { id recoveryKitConfirmed } }
  }
`);

interface KitPendingProps {
  readonly vault: { readonly id: string; readonly name: string };
}

/** Reminds, until somebody confirms, that without its recovery kit a vault is lost together with this server. */
export function KitPending({ vault }: KitPendingProps) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Alert
      variant="default"
      icon={<IconKey aria-hidden color="var(--hf-warn)" />}
      title={
        <>
          The recovery kit of <HostText>{vault.name}</HostText> is not confirmed
        </>
      }
      style={{ borderColor: 'var(--hf-warn)' }}
    >
      <Group justify="space-between" gap="sm">
        <Text size="sm" style={{ flex: '1 1 18rem' }}>
          It was shown when the vault was created. If this server is lost, the vault can be opened with it and with
          nothing else.
        </Text>
        <Button size="xs" variant="default" onClick={open}>
          Confirm that it is stored
        </Button>
      </Group>
      <Dialog opened={opened} onClose={close} title="Confirm the recovery kit">
        <Stack>
          <Text size="sm">
            If nobody kept the kit of this vault, create another vault and keep that one's kit: it cannot be shown
            again.
          </Text>
          <ConfirmKit vaultId={vault.id} onDone={close} />
        </Stack>
      </Dialog>
    </Alert>
  );
}

interface ConfirmKitProps {
  readonly vaultId: string;
  readonly onDone: () => void;
}

export function ConfirmKit({ vaultId, onDone }: ConfirmKitProps) {
  const [stored, setStored] = useState(false);
  const [{ fetching, error }, confirm] = useMutation(ConfirmRecoveryKitDocument);
  const submit = async (): Promise<void> => {
    const result = await confirm({ input: { vaultId } });
    if (result.error) return;
    announceNews();
    onDone();
  };
  return (
    <Stack>
      <Checkbox
        label="The kit is stored away from this server, where I will find it"
        checked={stored}
        onChange={(event) => setStored(event.currentTarget.checked)}
      />
      {error && <ProblemAlert title="This was not confirmed" problem={problemOf(error)} />}
      <Group justify="flex-end">
        <Button disabled={!stored} loading={fetching} onClick={() => void submit()}>
          Confirm
        </Button>
      </Group>
    </Stack>
  );
}
