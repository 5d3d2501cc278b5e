import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './DataTable.module.css';
import { SidewaysScroll } from './SidewaysScroll';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers. */
  readonly right?: boolean;
  /** A table of middling width does without it; the row's own page has it. */
  readonly spare?: boolean;
}

interface DataTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}

/** A table of things that have an id: one row each. The roles are said, for a narrow one is not laid out as a table. */
export function DataTable<Row extends { readonly id: string }>({ caption, columns, rows }: DataTableProps<Row>) {
  const classOf = ({ right, spare }: Column<Row>): string =>
    `${styles['cell']} ${right ? styles['right'] : ''} ${spare ? styles['spare'] : ''}`;
  return (
    <SidewaysScroll label={caption}>
      <Table role="table" className={styles['table']} verticalSpacing="sm" highlightOnHover aria-label={caption}>
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {columns.map((column) => (
              <Table.Th key={column.head} role="columnheader" scope="col" className={classOf(column)}>
                {column.head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows.map((row) => (
            <Table.Tr key={row.id} role="row" className={styles['row']}>
              {columns.map((column) => (
                <Table.Td key={column.head} role="cell" data-head={column.head} className={classOf(column)}>
                  <div>{column.cell(row)}</div>
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </SidewaysScroll>
  );
}
