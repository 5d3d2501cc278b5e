import { Button, Center, Checkbox, Table, Text } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { formatBytes } from '../../platform/format/amounts';
import { visibleText } from '../../platform/format/visible-text';
import { ENTRY_TYPE_WORDS } from '../../platform/format/words';
import { EmptyState } from '../../platform/ui/EmptyState';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Moment } from '../../platform/ui/Moment';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { SidewaysScroll } from '../../platform/ui/SidewaysScroll';
import { EntryName } from './EntryName';
import { choose, isChosen, isCovered, isPartly, leaveOut, type Selection } from './selection';
import { type Entry, PAGE, useFolder } from './use-folder';

interface FolderContentProps {
  readonly recoveryPointId: string;
  readonly path: string;
  /** Somebody opened this folder: the focus goes to it, for the link that was followed is gone. */
  readonly opened: boolean;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onGo: (path: string) => void;
}

export function FolderContent({ recoveryPointId, path, opened, selection, onSelect, onGo }: FolderContentProps) {
  const folder = useFolder(recoveryPointId, path);
  const region = useRef<HTMLElement>(null);
  useEffect(() => {
    if (opened) region.current?.focus();
  }, [opened]);
  const { entries } = folder;
  return (
    <section
      ref={region}
      tabIndex={-1}
      aria-label={`Content of ${visibleText(path)}`}
      style={{ minHeight: '12rem', outline: 'none' }}
    >
      {entries.length > 0 && (
        <SidewaysScroll label={`Files and folders in ${visibleText(path)}`}>
          <Table verticalSpacing="xs" highlightOnHover aria-label={`Files and folders in ${visibleText(path)}`}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col" w={44} data-tight>
                  <SelectShown entries={entries} selection={selection} onSelect={onSelect} />
                </Table.Th>
                <Table.Th scope="col">Name</Table.Th>
                <Table.Th scope="col" ta="right">
                  Size
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Kind
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Changed
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map((entry) => (
                <EntryRow key={entry.path} entry={entry} selection={selection} onSelect={onSelect} onGo={onGo} />
              ))}
            </Table.Tbody>
          </Table>
        </SidewaysScroll>
      )}
      {folder.loading && <LoadingRows rows={entries.length === 0 ? 6 : 1} />}
      {folder.problem && (
        <ProblemAlert title="This folder could not be read" problem={folder.problem} onRetry={folder.more} />
      )}
      {!folder.loading && !folder.problem && entries.length === 0 && (
        <EmptyState title="This folder is empty">
          <Text size="sm">It can be restored all the same: select it in the folder above.</Text>
        </EmptyState>
      )}
      {!folder.loading && !folder.problem && folder.hasMore && (
        <Center p="md">
          <Button variant="default" onClick={folder.more}>
            Show the next {PAGE}
          </Button>
        </Center>
      )}
    </section>
  );
}

interface SelectShownProps {
  readonly entries: readonly Entry[];
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

function SelectShown({ entries, selection, onSelect }: SelectShownProps) {
  const free = entries.filter((entry) => !isCovered(selection, entry.path)).map((entry) => entry.path);
  const chosen = free.filter((each) => isChosen(selection, each)).length;
  return (
    <Checkbox
      aria-label="Select everything that is shown"
      checked={chosen === free.length}
      indeterminate={chosen > 0 && chosen < free.length}
      disabled={free.length === 0}
      onChange={(event) => onSelect(event.currentTarget.checked ? choose(selection, free) : leaveOut(selection, free))}
    />
  );
}

interface EntryRowProps {
  readonly entry: Entry;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onGo: (path: string) => void;
}

function EntryRow({ entry, selection, onSelect, onGo }: EntryRowProps) {
  const covered = isCovered(selection, entry.path);
  return (
    <Table.Tr>
      <Table.Td data-tight>
        <Checkbox
          aria-label={`Select ${visibleText(entry.name)}`}
          checked={covered || isChosen(selection, entry.path)}
          indeterminate={!covered && isPartly(selection, entry.path)}
          disabled={covered}
          onChange={(event) =>
            onSelect(event.currentTarget.checked ? choose(selection, [entry.path]) : leaveOut(selection, [entry.path]))
          }
        />
      </Table.Td>
      <Table.Td>
        <EntryName entry={entry} onGo={onGo} />
        <Text size="sm" c="dimmed" className="hf-narrow">
          {ENTRY_TYPE_WORDS[entry.type]} · <Moment at={entry.modifiedAt} absent="Not recorded" />
        </Text>
      </Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {entry.type === 'FILE' ? formatBytes(entry.size) : '—'}
      </Table.Td>
      <Table.Td className="hf-wide">{ENTRY_TYPE_WORDS[entry.type]}</Table.Td>
      <Table.Td className="hf-wide">
        <Moment at={entry.modifiedAt} absent="Not recorded" />
      </Table.Td>
    </Table.Tr>
  );
}
