import { type Command, InvalidArgumentError } from 'commander';
import { collect, findProtectedItem, findRecoveryPoint, NAMING_A_POINT } from '../api/lookup.js';
import { graphql } from '../gql/gql.js';
import type { BrowseQuery } from '../gql/graphql.js';
import { formatBytes, formatMode, formatTime } from '../output/amounts.js';
import type { Row } from '../output/printer.js';
import { confirm, YES } from '../session/confirm.js';
import { contextOf } from './command-context.js';

const RecoveryPoints = graphql(`
  query RecoveryPoints($after: String, $first: Int!, $filter: RecoveryPointFilter) {
    recoveryPoints(first: $first, after: $after, filter: $filter) {
      edges {
        node {
          id sequence time backupType consistency tiers entries files bytesTotal bytesStored warnings protectedItem { name }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const DeleteRecoveryPoint = graphql(`
  mutation DeleteRecoveryPoint($input: DeleteRecoveryPointInput!) {
    deleteRecoveryPoint(input: $input) { recoveryPointId notice }
  }
`);

const Browse = graphql(`
  query Browse($id: ID!, $path: Path!, $after: String) {
    browseRecoveryPoint(id: $id, path: $path, first: 200, after: $after) {
      edges { node { name path type size mode uid gid modifiedAt linkTarget } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type BrowseEntry = Omit<BrowseQuery['browseRecoveryPoint']['edges'][number]['node'], 'path'>;

const LETTERS = {
  FILE: '-',
  DIRECTORY: 'd',
  SYMLINK: 'l',
  FIFO: 'p',
  SOCKET: 's',
  CHARACTER_DEVICE: 'c',
  BLOCK_DEVICE: 'b',
} as const;

const SHOWN_ENTRIES = 1_000;

function parseLimit(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** Of a directory that only leads to what was backed up nothing but the name is known. */
export function rowOf({ type, mode, uid, gid, size, modifiedAt, name, linkTarget }: BrowseEntry): Row {
  const known = typeof mode === 'number' && typeof uid === 'number' && typeof gid === 'number';
  return [
    `${LETTERS[type]}${known ? formatMode(mode) : '?????????'}`,
    // The API's numbers are signed.
    known ? `${uid >>> 0}:${gid >>> 0}` : null,
    type === 'FILE' ? formatBytes(size) : '',
    formatTime(modifiedAt),
    linkTarget ? `${name} -> ${linkTarget}` : name,
  ];
}

export function addPointsCommands(program: Command): void {
  const points = program.command('points').description('recovery points');

  points
    .command('list [item]', { isDefault: true })
    .description('list recovery points, newest first')
    .option('-n, --limit <n>', 'how many', parseLimit, 20)
    .action(async (item: string | undefined, options: { limit: number }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const filter = item === undefined ? {} : { protectedItemId: await findProtectedItem(client, item) };
      const first = Math.min(options.limit, 200);
      const found = await collect(
        async (after) => (await client.ask(RecoveryPoints, { after, first, filter })).recoveryPoints,
        options.limit,
      );
      printer.result(found, () => {
        printer.table(
          ['TIME', 'ITEM', 'NUMBER', 'TYPE', 'ENTRIES', 'SIZE', 'STORED', 'WARNINGS', 'ID'],
          found.map((point) => [
            formatTime(point.time),
            point.protectedItem.name,
            point.sequence,
            point.backupType,
            point.entries,
            formatBytes(point.bytesTotal),
            formatBytes(point.bytesStored),
            point.warnings,
            point.id,
          ]),
        );
      });
    });

  points
    .command('delete <point>')
    .description(`mark a recovery point deleted; ${NAMING_A_POINT}`)
    .option(...YES)
    .action(async (point: string, { yes }: { yes: boolean }, command: Command) => {
      const { api, printer } = contextOf(command);
      const client = api();
      const input = { recoveryPointId: await findRecoveryPoint(client, point) };
      await confirm(`Delete the recovery point ${point}? It cannot be restored any more.`, { yes, json: printer.json });
      const { deleteRecoveryPoint } = await client.ask(DeleteRecoveryPoint, { input });
      printer.result(deleteRecoveryPoint, () => printer.line(deleteRecoveryPoint.notice));
    });

  program
    .command('browse <point> [path]')
    .description(`list a directory of a recovery point; ${NAMING_A_POINT}`)
    .option('-n, --limit <n>', `how many entries (default: ${SHOWN_ENTRIES}, with --json all)`, parseLimit)
    .action(async (point: string, path: string | undefined, options: { limit?: number }, command: Command) => {
      const { api, printer } = contextOf(command);
      const limit = options.limit ?? (printer.json ? Number.POSITIVE_INFINITY : SHOWN_ENTRIES);
      const client = api();
      const id = await findRecoveryPoint(client, point);
      // One more than is shown tells whether there are more.
      const read = await collect(
        async (after) => (await client.ask(Browse, { id, path: path ?? '/', after })).browseRecoveryPoint,
        limit + 1,
      );
      const found = read.slice(0, limit);
      printer.result(found, () => {
        printer.table(['MODE', 'OWNER', 'SIZE', 'MODIFIED', 'NAME'], found.map(rowOf));
      });
      // A script has to learn it as well, and its document is a list.
      if (read.length > found.length)
        process.stderr.write(`There are more than these ${found.length} entries: --limit shows more.\n`);
    });
}
