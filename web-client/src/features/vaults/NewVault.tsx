import { Alert, Button, Group, NativeSelect, Radio, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { graphql } from '../../gql';
import type { DedupDomain } from '../../gql/graphql';
import { visibleText } from '../../platform/format/visible-text';
import { problemOf } from '../../platform/graphql/problem';
import { CopyBlock } from '../../platform/ui/CopyBlock';
import { CreateDialog } from '../../platform/ui/CreateDialog';
import { Dialog } from '../../platform/ui/Dialog';
import { NameField } from '../../platform/ui/NameField';
import { SubscriptionField } from '../subscriptions/SubscriptionField';
import { ConfirmKit } from './KitPending';

const Regions = graphql(`
  query Regions {
    regions(first: 200) { edges { node { id name } } }
  }
`);

const CreateVaultDocument = graphql(`
  mutation CreateVault($input: CreateVaultInput!) {
    createVault(input: $input) { vault { id name } recoveryKit }
  }
`);

interface Kit {
  readonly vaultId: string;
  readonly vaultName: string;
  readonly text: string;
}

export function NewVault() {
  const [kit, setKit] = useState<Kit>();
  const [name, setName] = useState('');
  const [dedupDomain, setDedupDomain] = useState<DedupDomain>('VAULT');
  const [subscriptionId, setSubscriptionId] = useState('');
  const [regionId, setRegionId] = useState<string>();
  const [{ data }] = useQuery({ query: Regions });
  const regions = data?.regions.edges.map(({ node }) => node) ?? [];
  const region = regionId ?? regions[0]?.id;
  const [{ fetching, error }, create] = useMutation(CreateVaultDocument);

  const submit = async (): Promise<boolean> => {
    if (region === undefined) return false;
    const result = await create({ input: { name, subscriptionId, regionId: region, dedupDomain } });
    const made = result.data?.createVault;
    if (made === undefined) return false;
    setName('');
    setKit({ vaultId: made.vault.id, vaultName: made.vault.name, text: made.recoveryKit });
    return true;
  };

  return (
    <>
      <CreateDialog
        title="Create a vault"
        submit="Create the vault"
        failure="The vault was not created"
        busy={fetching}
        disabled={subscriptionId === '' || region === undefined}
        problem={error && problemOf(error)}
        onCreate={submit}
      >
        <NameField value={name} onChange={setName} />
        <SubscriptionField value={subscriptionId} onChange={setSubscriptionId} />
        {regions.length > 1 && (
          <NativeSelect
            label="Region"
            data={regions.map((each) => ({ value: each.id, label: visibleText(each.name) }))}
            value={region ?? ''}
            onChange={(event) => setRegionId(event.currentTarget.value)}
          />
        )}
        <Radio.Group label="Equal data is stored once" value={dedupDomain} onChange={(value) => setDedupDomain(value)}>
          <Stack gap="sm" mt="xs">
            <Radio value="VAULT" label="In the whole vault" description="Takes the least space." />
            <Radio
              value="ITEM"
              label="Within each protected item"
              description="Items share nothing: for hosts that should not be able to learn anything about each other."
            />
          </Stack>
        </Radio.Group>
      </CreateDialog>
      {kit && <RecoveryKit kit={kit} onClose={() => setKit(undefined)} />}
    </>
  );
}

/** Shown once: the server keeps no copy that people could read. */
function RecoveryKit({ kit, onClose }: { readonly kit: Kit; readonly onClose: () => void }) {
  return (
    <Dialog
      opened
      onClose={onClose}
      size="lg"
      title="The recovery kit of this vault"
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close without confirming' }}
    >
      <Stack>
        <Alert variant="default" title="It is shown now and never again" style={{ borderColor: 'var(--hf-warn)' }}>
          It holds the vault's key. Whoever has it and the store of the vault can read everything in it: keep it away
          from both. Holdfast cannot open a vault with the kit alone yet, so keep a copy of the server's master.key as
          well.
        </Alert>
        <CopyBlock text={kit.text} what="kit" />
        <Group>
          <Button
            component="a"
            variant="default"
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(`${kit.text}\n`)}`}
            download={`holdfast-recovery-kit-${kit.vaultName.replace(/[^A-Za-z0-9._-]+/g, '_')}.txt`}
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            Download the kit
          </Button>
          <Text size="sm" c="dimmed">
            Print it, or put it into a password safe.
          </Text>
        </Group>
        <ConfirmKit vaultId={kit.vaultId} onDone={onClose} />
      </Stack>
    </Dialog>
  );
}
