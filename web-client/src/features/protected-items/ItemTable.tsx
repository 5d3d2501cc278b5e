import { PROTECTION_STATE_WORDS } from '../../platform/format/words';
import { paths } from '../../platform/routing/paths';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import type { ItemView } from './item-fragment';
import { LastBackup } from './LastBackup';

interface ItemTableProps {
  readonly items: readonly ItemView[];
  readonly caption: string;
}

const COLUMNS: readonly Column<ItemView>[] = [
  {
    head: 'Name',
    cell: ({ id, name }) => (
      <Go to={paths.protectedItem(id)}>
        <HostText>{name}</HostText>
      </Go>
    ),
  },
  { head: 'Last backup', cell: (item) => <LastBackup item={item} /> },
  { head: 'Agent', cell: ({ agent }) => <HostText>{agent.name}</HostText> },
  { head: 'Vault', spare: true, cell: ({ vault }) => <HostText>{vault.name}</HostText> },
  { head: 'Protection', spare: true, cell: ({ protectionState }) => PROTECTION_STATE_WORDS[protectionState] },
  {
    head: 'Next backup',
    cell: ({ nextBackupAt }) => <Moment at={nextBackupAt} relative absent="On demand" />,
  },
];

export function ItemTable({ items, caption }: ItemTableProps) {
  return <DataTable caption={caption} columns={COLUMNS} rows={items} />;
}
