import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers. */
  readonly right?: boolean;
  /** How much room the column needs to be shown at all; the row's own page has them all. */
  readonly room?: 'wide' | 'wider';
}

interface DataTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}

/** A table of things that have an id: one row each. */
export function DataTable<Row extends { readonly id: string }>({ caption, columns, rows }: DataTableProps<Row>) {
  const placing = ({ right, room }: Column<Row>) => ({
    ...(right ? { ta: 'right' as const } : {}),
    ...(room ? { className: `hf-${room}` } : {}),
  });
  return (
    <Table verticalSpacing="sm" highlightOnHover aria-label={caption}>
      <Table.Thead>
        <Table.Tr>
          {columns.map((column) => (
            <Table.Th key={column.head} scope="col" {...placing(column)}>
              {column.head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row.id}>
            {columns.map((column) => (
              <Table.Td key={column.head} {...placing(column)}>
                {column.cell(row)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
