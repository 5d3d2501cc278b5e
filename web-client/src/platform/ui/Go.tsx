import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface GoProps {
  readonly to: string;
  /** Amid other words a colour alone does not tell a link. */
  readonly inText?: boolean;
  readonly children: ReactNode;
}

/** A link to another page of Backup Center. */
export function Go({ to, inText = false, children }: GoProps) {
  return (
    <Anchor component={Link} to={to} underline={inText ? 'always' : 'hover'} inherit>
      {children}
    </Anchor>
  );
}
