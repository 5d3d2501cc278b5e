import { Group, Stack, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { visibleText } from '../format/visible-text';

let visited = false;

interface PageProps {
  readonly title: string;
  /** What stands above the title: where this page belongs. */
  readonly above?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page with its heading. After a change of page the heading has the focus, so that readers hear where they are. */
export function Page({ title, above, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = visibleText(title);
  useEffect(() => {
    document.title = `${shown} · Backup Center`;
  }, [shown]);
  useEffect(() => {
    if (visited) heading.current?.focus();
    visited = true;
  }, []);
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        {above}
        <Group justify="space-between" gap="sm">
          <Title order={1} size="h2" ref={heading} tabIndex={-1} style={{ overflowWrap: 'anywhere' }}>
            {shown}
          </Title>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </Stack>
      {children}
    </Stack>
  );
}
