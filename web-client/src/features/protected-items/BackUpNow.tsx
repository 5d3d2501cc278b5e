import { Button, Radio, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import type { BackupType } from '../../gql/graphql';
import { visibleText } from '../../platform/format/visible-text';
import { BACKUP_TYPE_MEANINGS, BACKUP_TYPE_WORDS } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { paths } from '../../platform/routing/paths';
import { FormModal } from '../../platform/ui/FormModal';

const BackupNowDocument = graphql(`
  mutation BackupNow($input: BackupNowInput!) {
    backupNow(input: $input) { job { ...JobRow } }
  }
`);

const TYPES: readonly BackupType[] = ['INCREMENTAL', 'DIFFERENTIAL', 'FULL'];

interface BackUpNowProps {
  readonly item: { readonly id: string; readonly name: string };
}

export function BackUpNow({ item }: BackUpNowProps) {
  const [opened, { open, close }] = useDisclosure();
  const [type, setType] = useState<BackupType>('INCREMENTAL');
  const [{ fetching, error }, start] = useMutation(BackupNowDocument);
  const navigate = useNavigate();
  const submit = async (): Promise<void> => {
    const { data } = await start({ input: { protectedItemId: item.id, type } });
    if (data) await navigate(paths.job(data.backupNow.job.id));
  };
  return (
    <>
      <Button onClick={open} leftSection={<IconPlayerPlay size={16} aria-hidden />}>
        Back up now
      </Button>
      <FormModal
        opened={opened}
        onClose={close}
        title={`Back up ${visibleText(item.name)}`}
        submit="Start the backup"
        failure="The backup was not started"
        busy={fetching}
        problem={error && problemOf(error)}
        onSubmit={() => void submit()}
      >
        <Radio.Group label="Backup type" value={type} onChange={(value) => setType(value)}>
          <Stack gap="sm" mt="xs">
            {TYPES.map((each) => (
              <Radio
                key={each}
                value={each}
                label={BACKUP_TYPE_WORDS[each]}
                description={BACKUP_TYPE_MEANINGS[each]}
                data-autofocus={each === type || undefined}
              />
            ))}
          </Stack>
        </Radio.Group>
      </FormModal>
    </>
  );
}
