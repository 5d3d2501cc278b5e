import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface GoProps {
  readonly to: string;
  readonly children: ReactNode;
}

/** A link to another page of Backup Center. */
export function Go({ to, children }: GoProps) {
  return (
    <Anchor component={Link} to={to} underline="hover" inherit>
      {children}
    </Anchor>
  );
}
