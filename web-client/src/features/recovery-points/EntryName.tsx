import { Group, UnstyledButton } from '@mantine/core';
import { IconFile, IconFolderFilled, IconLink, IconPlug, type TablerIcon } from '@tabler/icons-react';
import type { EntryType } from '../../gql/graphql';
import { HostText } from '../../platform/ui/HostText';
import type { Entry } from './use-folder';

const ICONS: Record<EntryType, TablerIcon> = {
  FILE: IconFile,
  DIRECTORY: IconFolderFilled,
  SYMLINK: IconLink,
  FIFO: IconPlug,
  SOCKET: IconPlug,
  CHARACTER_DEVICE: IconPlug,
  BLOCK_DEVICE: IconPlug,
};

interface EntryNameProps {
  readonly entry: Entry;
  readonly onGo: (path: string) => void;
}

/** An entry's name; a directory can be opened. */
export function EntryName({ entry, onGo }: EntryNameProps) {
  const Icon = ICONS[entry.type];
  const content = (
    <Group gap="xs" wrap="nowrap">
      <Icon size={18} style={{ flex: 'none' }} color="var(--mantine-color-dimmed)" aria-hidden />
      <span>
        <HostText>{entry.name}</HostText>
        {entry.linkTarget && (
          <>
            {' → '}
            <HostText mono>{entry.linkTarget}</HostText>
          </>
        )}
      </span>
    </Group>
  );
  if (entry.type !== 'DIRECTORY') return content;
  return (
    <UnstyledButton onClick={() => onGo(entry.path)} c="var(--mantine-color-anchor)" fw={500} fz="inherit">
      {content}
    </UnstyledButton>
  );
}
