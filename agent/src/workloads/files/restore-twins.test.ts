import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import { copyTree, LaterWriters } from './restore.fixture.js';

const LARGE_BYTES = 3 * 1024 * 1024;

describe('under KEEP_BOTH, what is there already', () => {
  let dir: string;
  const from = (name = '') => path.join(dir, 'source', name);
  const to = (name = '') => path.join(dir, 'target', name);
  const copy = (writers?: LaterWriters) =>
    copyTree(Buffer.from(from()), Buffer.from(to()), 'KEEP_BOTH', () => true, writers);
  const names = () => fs.readdirSync(to());

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-twins-'));
    fs.mkdirSync(from());
    fs.mkdirSync(to());
  });
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  const both = (name: string, content: string | Buffer, other: string | Buffer = content): void => {
    fs.writeFileSync(from(name), content);
    fs.writeFileSync(to(name), other);
    fs.utimesSync(to(name), 5, 5);
  };

  /** A file with some data between holes. */
  const sparse = (name: string, data = [1, 4]): void => {
    const fd = fs.openSync(name, 'w');
    for (const at of data) fs.writeSync(fd, Buffer.alloc(1 << 18, 9), 0, 1 << 18, at << 20);
    fs.ftruncateSync(fd, 8 << 20);
    fs.closeSync(fd);
  };

  it.each([undefined, new LaterWriters()])('is not restored a second time where it is the same', async (writers) => {
    both('small', 'content');
    both('empty', '');
    both('large', Buffer.alloc(LARGE_BYTES, 7));
    for (const side of [from, to]) {
      sparse(side('sparse'));
      sparse(side('hole'), []);
      fs.symlinkSync('somewhere', side('link'));
      for (const name of ['small', 'large']) fs.linkSync(side(name), side(`${name} again`));
    }
    fs.utimesSync(to(), 7, 7);
    const { notices, counts } = await copy(writers);
    expect(names()).toEqual(['empty', 'hole', 'large', 'large again', 'link', 'small', 'small again', 'sparse']);
    expect(notices).toEqual([]);
    expect(counts).toMatchObject({ skipped: 8, failed: 0 });
    expect(fs.statSync(to('small')).mtimeMs).toBe(5_000);
    // Nothing was made beside them, not even for a moment.
    expect(fs.statSync(to()).mtimeMs).toBe(7_000);
  });

  it('stays, and what differs comes beside it', async () => {
    const large = Buffer.alloc(LARGE_BYTES, 7);
    const other = Buffer.from(large);
    other[LARGE_BYTES - 1] = 8;
    both('large', large, other);
    sparse(from('sparse'), [1]);
    sparse(to('sparse'));
    sparse(from('more'));
    sparse(to('more'), [1]);
    both('small', 'content', 'CONTENT');
    both('mode', 'content');
    fs.chmodSync(to('mode'), 0o666);
    fs.symlinkSync('somewhere', from('link'));
    fs.symlinkSync('elsewhere', to('link'));
    fs.writeFileSync(from('kind'), '');
    fs.mkdirSync(to('kind'));
    await copy();
    expect(names()).toEqual([
      'kind',
      'kind (restored)',
      'large',
      'large (restored)',
      'link',
      'link (restored)',
      'mode',
      'mode (restored)',
      'more',
      'more (restored)',
      'small',
      'small (restored)',
      'sparse',
      'sparse (restored)',
    ]);
    expect(fs.readFileSync(to('large (restored)')).equals(large)).toBe(true);
    expect(fs.readFileSync(to('large')).equals(other)).toBe(true);
    expect(fs.readFileSync(to('small (restored)'), 'utf8')).toBe('content');
  });

  it('may be what an earlier restore put beside something else', async () => {
    both('file', 'content', 'another');
    await copy();
    await copy();
    expect(names()).toEqual(['file', 'file (restored)']);
    fs.writeFileSync(from('file'), 'changed');
    await copy();
    expect(names()).toEqual(['file', 'file (restored 2)', 'file (restored)']);
  });

  const COMMENT = Buffer.from('user.comment');
  const ACCESS = Buffer.from('system.posix_acl_access');
  /** The owner and user 65534 may read and write, and nobody else: permissions show 0660. */
  const LETS_SOMEBODY_IN = Buffer.from(
    '02000000' + '01000600ffffffff' + '02000600feff0000' + '04000000ffffffff' + '10000600ffffffff' + '20000000ffffffff',
    'hex',
  );
  const attach = (path: string, name: Buffer, value: Buffer): void => {
    const fd = fs.openSync(path, 'r');
    try {
      setXattr(fd, name, value);
    } finally {
      fs.closeSync(fd);
    }
  };

  it.each(['small', Buffer.alloc(LARGE_BYTES, 7)])(
    'is not the same without an attribute, and with more it is',
    async (content) => {
      both('without', content);
      both('other', content);
      both('more', content);
      both('same', content);
      attach(from('without'), COMMENT, Buffer.from('one'));
      attach(from('other'), COMMENT, Buffer.from('one'));
      attach(to('other'), COMMENT, Buffer.from('two'));
      attach(to('more'), COMMENT, Buffer.from('one'));
      for (const side of [from, to]) attach(side('same'), COMMENT, Buffer.from('one'));
      await copy();
      expect(names()).toEqual(['more', 'other', 'other (restored)', 'same', 'without', 'without (restored)']);
    },
  );

  it('is not enough where an access list lets somebody in whom the restored one keeps out', async () => {
    both('file', 'content');
    fs.chmodSync(from('file'), 0o660);
    attach(to('file'), ACCESS, LETS_SOMEBODY_IN);
    expect(fs.statSync(to('file')).mode & 0o7777).toBe(0o660);
    execFileSync('mkfifo', [from('pipe'), to('pipe')]);
    for (const side of [from, to]) fs.chmodSync(side('pipe'), 0o660);
    execFileSync('mkfifo', [from('same'), to('same')]);
    const pipe = fs.openSync(to('pipe'), 'r+');
    setXattr(pipe, ACCESS, LETS_SOMEBODY_IN);
    fs.closeSync(pipe);
    await copy();
    expect(names()).toEqual(['file', 'file (restored)', 'pipe', 'pipe (restored)', 'same']);
  });

  it.runIf(runsAsRoot)('is not enough where another user has it, who could change it at any time', async () => {
    both('file', 'content');
    fs.chownSync(to('file'), 65_534, 65_534);
    await copy();
    expect(names()).toEqual(['file', 'file (restored)']);
  });
});
