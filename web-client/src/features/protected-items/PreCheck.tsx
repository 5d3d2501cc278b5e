import { Alert, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ProtectedItemQuery } from '../../gql/graphql';
import { visibleText } from '../../platform/format/visible-text';
import { PRE_CHECK_WORDS } from '../../platform/format/words';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { Status, type Tone } from '../../platform/ui/Status';

type PreCheckView = NonNullable<ProtectedItemQuery['protectedItem']>['preCheck'];

interface PreCheckProps {
  readonly preCheck: PreCheckView;
}

const TONES: Record<NonNullable<PreCheckView>['status'], Tone> = { PASSED: 'good', WARNING: 'warn', CRITICAL: 'bad' };

export function PreCheckSign({ preCheck }: PreCheckProps) {
  if (!preCheck) return <>Not checked yet: the agent looks at the first backup</>;
  return (
    <Stack gap={4} align="flex-start">
      <Status tone={TONES[preCheck.status]}>{PRE_CHECK_WORDS[preCheck.status]}</Status>
      <Text size="sm" c="dimmed">
        <Moment at={preCheck.checkedAt} relative />
      </Text>
    </Stack>
  );
}

/** The folders that could not be read when the agent last looked: better known before a backup than after. */
export function PreCheckAlert({ preCheck }: PreCheckProps) {
  if (!preCheck || preCheck.status === 'PASSED') return null;
  const critical = preCheck.status === 'CRITICAL';
  return (
    <Alert
      variant="default"
      icon={<IconAlertTriangle aria-hidden color={critical ? 'var(--hf-bad)' : 'var(--hf-warn)'} />}
      title={
        critical ? 'Nothing of this can be backed up as things are' : 'A part of this cannot be backed up as things are'
      }
      style={{ borderColor: critical ? 'var(--hf-bad)' : 'var(--hf-warn)' }}
    >
      <List size="sm">
        {preCheck.problems.map(({ path, message }) => (
          <List.Item key={path}>
            <HostText mono>{path}</HostText>: {visibleText(message)}
          </List.Item>
        ))}
      </List>
      <Text size="sm" mt="xs">
        The agent looked <Moment at={preCheck.checkedAt} relative /> and looks again at each backup.
      </Text>
    </Alert>
  );
}
