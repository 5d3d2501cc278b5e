import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';

interface NewButtonProps {
  readonly onClick: () => void;
  readonly children: string;
}

/** Opens the dialog that makes something new. */
export function NewButton({ onClick, children }: NewButtonProps) {
  return (
    <Button onClick={onClick} leftSection={<IconPlus size={16} aria-hidden />}>
      {children}
    </Button>
  );
}
