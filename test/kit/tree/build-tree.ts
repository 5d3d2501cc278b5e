/** Trees to back up, made with the system's own tools. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { native } from './native.js';

/** POSIX ACL, version 2: owner rwx, user 1234 rw-, group r-x, mask rwx, others ---. */
function accessControlList(): Buffer {
  const entries: Array<[tag: number, permissions: number, id: number]> = [
    [0x01, 7, 0xffffffff],
    [0x02, 6, 1234],
    [0x04, 5, 0xffffffff],
    [0x10, 7, 0xffffffff],
    [0x20, 0, 0xffffffff],
  ];
  const list = Buffer.alloc(4 + entries.length * 8);
  list.writeUInt32LE(2, 0);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    list.writeUInt16LE(tag, 4 + index * 8);
    list.writeUInt16LE(permissions, 6 + index * 8);
    list.writeUInt32LE(id, 8 + index * 8);
  }
  return list;
}

async function makeSocket(file: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(file, resolve));
  // Closing would remove the socket's name; a link keeps it.
  fs.linkSync(file, `${file}.kept`);
  await new Promise((resolve) => server.close(resolve));
  fs.renameSync(`${file}.kept`, file);
}

function writeSparse(file: string, size: number, pieces: ReadonlyArray<[offset: number, bytes: Buffer]>): void {
  const fd = fs.openSync(file, 'w');
  fs.ftruncateSync(fd, size);
  for (const [offset, bytes] of pieces) fs.writeSync(fd, bytes, 0, bytes.length, offset);
  fs.closeSync(fd);
}

const GIB = 2 ** 30;

/** Every kind of entry that the FILES workload knows. As root also devices, foreign owners and trusted attributes. */
export async function buildEveryKindOfEntry(root: string): Promise<void> {
  const at = (...names: string[]): string => path.join(root, ...names);
  const privileged = process.getuid?.() === 0;
  fs.mkdirSync(at('deep', 'er', 'and deeper'), { recursive: true });
  fs.mkdirSync(at('empty'));
  fs.mkdirSync(at('links'));
  fs.writeFileSync(at('empty-file'), '');
  fs.writeFileSync(at('small'), 'a small file\n');
  fs.writeFileSync(at('with space and ünïcode ☃'), 'named\n');
  fs.writeFileSync(at('back\\slash'), 'named\n');
  fs.writeFileSync(at('new\nline'), 'named\n');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe, 0x41, 0x80])]), 'not UTF-8\n');
  fs.writeFileSync(at('deep', 'er', 'and deeper', 'large'), randomBytes(5 << 20));
  fs.writeFileSync(at('zeros'), Buffer.alloc(3 << 20));
  for (let index = 0; index < 300; index += 1)
    fs.writeFileSync(at('deep', `file-${index}`), `${index}\n`.repeat(index));

  fs.linkSync(at('small'), at('links', 'hard-to-small'));
  fs.writeFileSync(at('links', 'one'), 'twice here\n');
  fs.linkSync(at('links', 'one'), at('deep', 'two'));
  fs.symlinkSync('../small', at('links', 'to-small'));
  fs.symlinkSync('/nowhere/at all', at('links', 'dangling'));
  fs.symlinkSync(Buffer.from([0x2e, 0x2f, 0xfe, 0xff]), at('links', 'not-utf8'));
  fs.symlinkSync('.', at('links', 'loop'));

  writeSparse(at('sparse'), 64 << 20, [
    [0, Buffer.from('head')],
    [20 << 20, randomBytes(300_000)],
    [(64 << 20) - 5, Buffer.from('tail!')],
  ]);
  writeSparse(at('all-hole'), 10 << 20, []);
  writeSparse(at('over-4-gib'), 5 * GIB + 123, [
    [4 * GIB + 4096, randomBytes(100_000)],
    [5 * GIB + 120, Buffer.from('end')],
  ]);

  execFileSync('mkfifo', [at('fifo')]);
  await makeSocket(at('socket'));

  native.setAttribute(Buffer.from(at('small')), 'user.comment', Buffer.from('attribute value'));
  native.setAttribute(Buffer.from(at('deep')), 'user.binary', randomBytes(64));
  native.setAttribute(Buffer.from(at('deep', 'file-7')), 'system.posix_acl_access', accessControlList());
  native.setAttribute(Buffer.from(at('empty')), 'system.posix_acl_default', accessControlList());

  fs.chmodSync(at('deep', 'file-1'), 0o4755);
  fs.chmodSync(at('deep', 'file-2'), 0o000);
  fs.chmodSync(at('empty'), 0o1777);
  if (privileged) {
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    execFileSync('mknod', [at('loop'), 'b', '7', '0']);
    fs.chownSync(at('deep', 'file-3'), 4321, 8765);
    fs.lchownSync(at('links', 'dangling'), 11, 22);
    native.setAttribute(Buffer.from(at('deep', 'file-4')), 'trusted.holdfast', Buffer.from('trusted'));
    native.setAttribute(Buffer.from(at('links', 'loop')), 'trusted.holdfast', Buffer.from('on a link'));
  }

  const times: Array<[name: string, time: string]> = [
    ['deep/file-5', '1901-12-14 00:00:00.123456789 UTC'],
    ['deep/file-6', '1969-12-31 23:59:59.999999999 UTC'],
    ['deep/file-8', '2200-01-01 12:34:56.987654321 UTC'],
    ['links/to-small', '1955-11-05 06:15:00.000000001 UTC'],
    ['fifo', '2001-02-03 04:05:06.070809010 UTC'],
    ['deep/er', '1999-12-31 23:59:59.000000001 UTC'],
  ];
  for (const [name, time] of times) execFileSync('touch', ['-h', '-d', time, at(...name.split('/'))]);
}

/** Many small files in folders of 100, and a few large ones; content is drawn at random, so nothing in it compresses away. */
export function buildPlainTree(root: string, input: { files: number; bytesEach?: number; large?: number }): void {
  const bytesEach = input.bytesEach ?? 2000;
  for (let index = 0; index < input.files; index += 1) {
    const folder = path.join(root, `folder-${String(Math.floor(index / 100)).padStart(4, '0')}`);
    if (index % 100 === 0) fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, `file-${index}`), randomBytes(bytesEach + (index % 97)));
  }
  fs.mkdirSync(root, { recursive: true });
  for (let index = 0; index < (input.large ?? 0); index += 1)
    fs.writeFileSync(path.join(root, `large-${index}`), randomBytes(8 << 20));
}
