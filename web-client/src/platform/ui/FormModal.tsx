import { Button, Group, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import type { Problem } from '../graphql/problem';
import { Dialog } from './Dialog';
import styles from './FormModal.module.css';
import { ProblemAlert } from './ProblemAlert';

interface FormModalProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly submit: string;
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  /** What the alert over a refusal says: "The vault was not created". */
  readonly failure: string;
  readonly onSubmit: () => void;
  readonly disabled?: boolean;
  readonly size?: string;
  readonly children: ReactNode;
}

/** A dialog with one form. */
export function FormModal({
  opened,
  onClose,
  title,
  submit,
  busy,
  problem,
  failure,
  onSubmit,
  disabled,
  size,
  children,
}: FormModalProps) {
  const send = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={title}
      size={size ?? 'md'}
      classNames={{ content: styles['content'] ?? '', body: styles['body'] ?? '' }}
    >
      <form onSubmit={send} className={styles['form']}>
        <Stack className={styles['fields']}>{children}</Stack>
        <Stack className={styles['actions']} gap="sm">
          {problem && <ProblemAlert title={failure} problem={problem} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Button type="submit" loading={busy} disabled={disabled ?? false}>
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
