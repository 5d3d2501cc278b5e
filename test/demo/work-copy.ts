/** Item W: a copy of the source that the demo may change. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { EntryDescription } from '../kit/tree/describe-tree.js';

const COPY_LIMIT = 2n << 30n;
export const FILES_CHANGED = 20;
/** tar goes by whole paths, of which the kernel takes 4,096 bytes; the rest is for the folder that the copy is put in. */
const LONGEST_PATH = 3_072;

/** The source's first entries, in order, that come to at most 2 GiB together; what they stand in comes along. */
function chooseEntries(
  entries: ReadonlyMap<string, EntryDescription>,
  privileged: boolean,
): { readonly names: string[]; readonly tooLong: number } {
  const names: string[] = [];
  let tooLong = 0;
  let total = 0n;
  for (const [name, entry] of entries) {
    if (name === '' || entry.unreadable !== undefined || entry.kind === 'socket') continue;
    if (entry.kind.endsWith('device') && !privileged) continue;
    if (name.length > LONGEST_PATH) {
      tooLong += 1;
      continue;
    }
    const bytes = entry.extents?.reduce((sum, extent) => sum + extent.end - extent.offset, 0n) ?? 0n;
    if (total + bytes > COPY_LIMIT) continue;
    total += bytes;
    names.push(name);
  }
  return { names, tooLong };
}

function ended(child: ReturnType<typeof spawn>, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr?.on('data', (data: Buffer) => {
      complaint = (complaint + data.toString('utf8')).slice(-2000);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`copying failed: ${name} ended with ${code}: ${complaint}`));
    });
  });
}

/** Answers how many entries stayed out because their paths are too long. */
export async function makeWorkCopy(
  source: string,
  entries: ReadonlyMap<string, EntryDescription>,
  target: string,
  privileged: boolean,
): Promise<number> {
  fs.mkdirSync(target, { mode: 0o755 });
  const { names, tooLong } = chooseEntries(entries, privileged);
  const faithful = ['--xattrs', '--xattrs-include=*', '--acls', '--sparse'];
  const packing = [
    '-c',
    '-f',
    '-',
    '-C',
    source,
    '--format=posix',
    ...faithful,
    '--no-recursion',
    '--verbatim-files-from',
    '--null',
    '-T',
    '-',
  ];
  const unpacking = [
    '-x',
    '-f',
    '-',
    '-C',
    target,
    '-p',
    ...faithful.slice(0, 3),
    '--delay-directory-restore',
    '--warning=no-timestamp',
  ];
  const pack = spawn('tar', packing, { stdio: ['pipe', 'pipe', 'pipe'] });
  const unpack = spawn('tar', unpacking, { stdio: ['pipe', 'ignore', 'pipe'] });
  const done = Promise.all([ended(pack, 'tar -c'), ended(unpack, 'tar -x')]);
  pack.stdout.pipe(unpack.stdin);
  pack.stdin.on('error', () => undefined);
  unpack.stdin.on('error', () => undefined);
  pack.stdin.end(Buffer.from(names.map((name) => `./${name}\0`).join(''), 'latin1'));
  await done;
  return tooLong;
}

/** Changes up to 20 regular files, spread over the tree; `round` picks others each time. Answers how many. */
export function changeFiles(target: string, entries: ReadonlyMap<string, EntryDescription>, round: number): number {
  const files = [...entries.values()].filter(
    (entry) => entry.kind === 'file' && entry.unreadable === undefined && entry.linkGroup === undefined,
  );
  const count = Math.min(FILES_CHANGED, files.length);
  const stride = files.length / Math.max(count, 1);
  for (let index = 0; index < count; index += 1) {
    const file = files[Math.floor(index * stride + (round * stride) / 3) % files.length];
    if (file === undefined) continue;
    const name = Buffer.concat([Buffer.from(target + path.sep), Buffer.from(file.path, 'latin1')]);
    const mode = fs.statSync(name).mode;
    fs.chmodSync(name, mode | 0o200);
    const fd = fs.openSync(name, 'r+');
    const text = Buffer.from(`changed in round ${round}, file ${index}\n`);
    fs.writeSync(fd, text, 0, text.length, file.size > 4096n ? Number(file.size / 2n) : 0);
    fs.writeSync(fd, text, 0, text.length, Number(file.size));
    fs.closeSync(fd);
    fs.chmodSync(name, mode);
  }
  return count;
}
