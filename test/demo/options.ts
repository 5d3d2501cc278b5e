import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../kit/holdfast/repository.js';

export interface DemoOptions {
  readonly source: string;
  readonly excludeNames: ReadonlySet<string>;
  readonly out: string | undefined;
  readonly once: boolean;
  readonly json: boolean;
}

export const USAGE = `Usage: npm run demo -- [--once] [--json] [--out DIR] [PATH]

Backs PATH up with one agent, restores it with another, and compares (default: this repository
without node_modules). PATH is only ever read.

  --once     end when done; otherwise Backup Center stays up until Ctrl-C
  --json     the last line on stdout is the result as one JSON object, all else goes to stderr
  --out DIR  keep the restored copy of PATH in DIR (which must not exist, or be empty)`;

export class UsageError extends Error {}

function isInside(inner: string, outer: string): boolean {
  const relative = path.relative(outer, inner);
  return relative === '' || !(relative.startsWith('..') || path.isAbsolute(relative));
}

export function parseDemoOptions(argv: readonly string[]): DemoOptions | 'help' {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  if (positionals.length > 1) throw new UsageError('give one PATH at most');
  const given = positionals[0];
  const asked = path.resolve(given ?? repository);
  if (!fs.existsSync(asked)) throw new UsageError(`${asked} does not exist`);
  const source = fs.realpathSync(asked);
  if (!fs.statSync(source).isDirectory()) throw new UsageError(`${source} is not a directory`);
  let out: string | undefined;
  if (values.out !== undefined) {
    out = path.resolve(values.out);
    if (fs.existsSync(out) && (!fs.statSync(out).isDirectory() || fs.readdirSync(out).length > 0)) {
      throw new UsageError(`--out ${out} exists and is not an empty directory`);
    }
    if (isInside(out, source)) throw new UsageError(`--out ${out} lies inside ${source}, which is only read`);
  }
  return {
    source,
    excludeNames: new Set(given === undefined ? ['node_modules'] : []),
    out,
    once: values.once,
    json: values.json,
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}
