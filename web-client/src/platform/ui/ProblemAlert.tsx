import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { visibleText } from '../format/visible-text';
import type { Problem } from '../graphql/problem';

interface ProblemAlertProps {
  readonly title: string;
  readonly problem: Problem;
  readonly onRetry?: () => void;
}

/** What went wrong and what to do next. */
export function ProblemAlert({ title, problem, onRetry }: ProblemAlertProps) {
  return (
    <Alert
      role="alert"
      variant="default"
      icon={<IconAlertCircle aria-hidden color="var(--hf-bad)" />}
      title={title}
      style={{ borderColor: 'var(--hf-bad)' }}
    >
      <Text size="sm">{visibleText(problem.message)}</Text>
      {problem.nextStep && <Text size="sm">{problem.nextStep}</Text>}
      {onRetry && (
        <Group mt="xs">
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}
