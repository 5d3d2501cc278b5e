import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
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

/** Reminds of the kit until somebody has shown that it is at hand. */
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
          It was shown when the vault was created, and holds the vault's key. Whether it was kept can only be told by
          whoever has it.
        </Text>
        <Button size="xs" variant="default" onClick={open}>
          Check the stored kit
        </Button>
      </Group>
      <Dialog opened={opened} onClose={close} title="Check the recovery kit">
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
  const [kit, setKit] = useState('');
  const [{ fetching, error }, confirm] = useMutation(ConfirmRecoveryKitDocument);
  const submit = async (): Promise<void> => {
    const result = await confirm({ input: { vaultId, recoveryKit: kit } });
    if (result.error) return;
    announceNews();
    onDone();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Stack>
        <TextInput
          label="Recovery kit, from where it is stored"
          description="HFK1 and fourteen groups of four; case and dashes do not matter. The server compares it and does not keep it."
          required
          value={kit}
          onChange={(event) => setKit(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
        {error && <ProblemAlert title="This was not confirmed" problem={problemOf(error)} />}
        <Group justify="flex-end">
          <Button type="submit" disabled={kit.trim() === ''} loading={fetching}>
            Confirm
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
