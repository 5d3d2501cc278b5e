import { Table } from '@mantine/core';
import { PROTECTION_STATE_WORDS } from '../../platform/format/words';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import type { ItemView } from './item-fragment';
import { LastBackup } from './LastBackup';

interface ItemTableProps {
  readonly items: readonly ItemView[];
  readonly caption: string;
}

export function ItemTable({ items, caption }: ItemTableProps) {
  return (
    <Table verticalSpacing="sm" highlightOnHover aria-label={caption}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Name</Table.Th>
          <Table.Th scope="col">Last backup</Table.Th>
          <Table.Th scope="col" className="hf-wide">
            Agent
          </Table.Th>
          <Table.Th scope="col" className="hf-wider">
            Vault
          </Table.Th>
          <Table.Th scope="col" className="hf-wider">
            Protection
          </Table.Th>
          <Table.Th scope="col" className="hf-wide">
            Next backup
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((item) => (
          <Table.Tr key={item.id}>
            <Table.Td>
              <Go to={paths.protectedItem(item.id)}>
                <HostText>{item.name}</HostText>
              </Go>
            </Table.Td>
            <Table.Td>
              <LastBackup item={item} />
            </Table.Td>
            <Table.Td className="hf-wide">
              <HostText>{item.agent.name}</HostText>
            </Table.Td>
            <Table.Td className="hf-wider">
              <HostText>{item.vault.name}</HostText>
            </Table.Td>
            <Table.Td className="hf-wider">{PROTECTION_STATE_WORDS[item.protectionState]}</Table.Td>
            <Table.Td className="hf-wide">
              <Moment at={item.nextBackupAt} relative absent="On demand" />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
