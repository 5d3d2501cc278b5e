import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  readonly title: string;
  /** What to do next. */
  readonly children: ReactNode;
}

export function EmptyState({ title, children }: EmptyStateProps) {
  return (
    <Stack gap="xs" p="md" align="flex-start">
      <Text fw={600}>{title}</Text>
      {children}
    </Stack>
  );
}
