import { Stack, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import styles from './FrontDoor.module.css';
import { Mark } from './Mark';

interface FrontDoorProps {
  readonly title: string;
  readonly children: ReactNode;
}

/** The pages before anyone is signed in. The first field has the focus. */
export function FrontDoor({ title, children }: FrontDoorProps) {
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${title} · Backup Center`;
    card.current?.querySelector('input')?.focus();
  }, [title]);
  return (
    <div className={styles['ground']}>
      <main ref={card} className={styles['card']}>
        <Stack>
          <Mark />
          <Title order={1} size="h3">
            {title}
          </Title>
          {children}
        </Stack>
      </main>
    </div>
  );
}
