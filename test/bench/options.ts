import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { caseNames } from './cases.js';

export const PEERS = ['restic', 'borg', 'restic-sftp', 'borg-ssh'] as const;
export type Peer = (typeof PEERS)[number];

export interface BenchOptions {
  readonly json: string | undefined;
  readonly dataset: string | undefined;
  readonly cases: ReadonlySet<string>;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly quick: boolean;
}

const DEFAULT_ROUNDS = 3;

export const USAGE = `Usage: npm run bench -- [--json FILE] [--dataset DIR] [--only NAME] [--peers ${PEERS.join(',')}]
                     [--rounds N] [--quick]

Runs Holdfast and the peers in turn on the same data and prints how they compare.

  --json FILE    write all figures to FILE
  --dataset DIR  also run on DIR, which is only read: dataset-first, dataset-unchanged, dataset-restore
  --only NAME    only this case, or these (a,b,c): ${caseNames(false).join(', ')}
  --peers LIST   which peers (default: all; none: only Holdfast); restic and borgbackup are installed if missing
  --rounds N     measured rounds after one of warm-up (default ${DEFAULT_ROUNDS})
  --quick        small data, one round, no warm-up: to see that it runs, not how fast`;

export class UsageError extends Error {}

export function parseBenchOptions(argv: readonly string[]): BenchOptions | 'help' {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(argv).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return 'help';
  const dataset = values.dataset === undefined ? undefined : existingFolder(values.dataset);
  return {
    json: values.json === undefined ? undefined : writableFile(values.json),
    dataset,
    cases: new Set(values.only === undefined ? caseNames(dataset !== undefined) : chosenCases(values.only, dataset)),
    peers: values.peers === undefined ? PEERS : chosenPeers(values.peers),
    rounds: values.rounds === undefined ? (values.quick ? 1 : DEFAULT_ROUNDS) : positive(values.rounds),
    quick: values.quick,
  };
}

function existingFolder(given: string): string {
  const asked = path.resolve(given);
  if (!fs.existsSync(asked)) throw new UsageError(`${asked} does not exist`);
  const folder = fs.realpathSync(asked);
  if (!fs.statSync(folder).isDirectory()) throw new UsageError(`${folder} is not a directory`);
  return folder;
}

/** Found out before an hour of measuring, not after it. */
function writableFile(given: string): string {
  const file = path.resolve(given);
  if (fs.existsSync(file) && fs.statSync(file).isDirectory()) throw new UsageError(`--json ${file} is a directory`);
  if (!fs.existsSync(path.dirname(file))) throw new UsageError(`${path.dirname(file)} does not exist`);
  return file;
}

function chosenCases(lists: readonly string[], dataset: string | undefined): string[] {
  const known = caseNames(dataset !== undefined);
  const names = split(lists);
  for (const name of names) {
    if (known.includes(name)) continue;
    if (caseNames(true).includes(name)) throw new UsageError(`${name} needs --dataset DIR`);
    throw new UsageError(`there is no case ${name}; there are ${known.join(', ')}`);
  }
  return names;
}

function chosenPeers(list: string): Peer[] {
  const names = split([list]);
  if (names.length === 1 && names[0] === 'none') return [];
  for (const name of names) {
    if (!(PEERS as readonly string[]).includes(name))
      throw new UsageError(`there is no peer ${name}; there are ${PEERS.join(', ')}, or none`);
  }
  return PEERS.filter((peer) => names.includes(peer));
}

function split(lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(',')).map((name) => name.trim());
}

function positive(given: string): number {
  if (!/^[1-9]\d{0,2}$/.test(given)) throw new UsageError(`--rounds takes a number from 1 to 999, not ${given}`);
  return Number(given);
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      json: { type: 'string' },
      dataset: { type: 'string' },
      only: { type: 'string', multiple: true },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}
