import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { countOf } from '../../platform/format/amounts';
import { Panel } from '../../platform/ui/Panel';
import { FolderContent } from './FolderContent';
import { FolderTrail } from './FolderTrail';
import type { Selection } from './selection';

interface FileBrowserProps {
  readonly recoveryPointId: string;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** The folders of a recovery point. The folder stands in the address, so that going back goes up. */
export function FileBrowser({ recoveryPointId, selection, onSelect }: FileBrowserProps) {
  const [search, setSearch] = useSearchParams();
  const [moved, setMoved] = useState(false);
  const path = search.get('path') ?? '/';
  const go = (to: string): void => {
    setMoved(true);
    setSearch(to === '/' ? {} : { path: to });
  };
  const words =
    selection.length === 0
      ? 'Nothing selected: a restore takes everything'
      : `${countOf(selection.length, 'entry', 'entries')} selected`;
  return (
    <Panel
      title="Files"
      flush
      actions={
        <Group gap="xs" mih={30}>
          <Text size="sm" c="dimmed" role="status">
            {words}
          </Text>
          {selection.length > 0 && (
            <Button size="xs" variant="default" onClick={() => onSelect([])}>
              Clear
            </Button>
          )}
        </Group>
      }
    >
      <FolderTrail path={path} onGo={go} />
      <FolderContent
        key={path}
        recoveryPointId={recoveryPointId}
        path={path}
        opened={moved}
        selection={selection}
        onSelect={onSelect}
        onGo={go}
      />
    </Panel>
  );
}
