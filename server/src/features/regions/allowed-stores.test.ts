import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAllowedStores } from './allowed-stores.js';

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-stores-')));
  root = join(folder, 'root');
  await mkdir(root);
  await mkdir(join(folder, 'outside'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const admit = (url: string): Promise<string> => createAllowedStores([root]).admitStore(url);

describe('a vault store', () => {
  it('is admitted below a root, made for its owner alone, and named by its real path', async () => {
    await mkdir(join(root, 'real'));
    await symlink(join(root, 'real'), join(root, 'link'));
    expect(await admit(`local:${root}/link/new/er`)).toBe(`local:${root}/real/new/er`);
    expect((await stat(join(root, 'real', 'new', 'er'))).mode & 0o777).toBe(0o700);
    expect(await admit(`local:${root}`)).toBe(`local:${root}`);
  });

  it('is refused where a link leads out of the root, and nothing is made there', async () => {
    await symlink(join(folder, 'outside'), join(root, 'escape'));
    for (const path of ['escape', 'escape/new', 'escape/new/er']) {
      await expect(admit(`local:${root}/${path}`)).rejects.toMatchObject({ code: 'STORE_NOT_ALLOWED' });
    }
    expect(await readdir(join(folder, 'outside'))).toEqual([]);
  });

  it.each(['/root/../outside', '/root-beside', '/outside', '', '/root//x', '/root/x/'])(
    'is refused at %s',
    async (path) => {
      await expect(admit(`local:${folder}${path}`)).rejects.toMatchObject({ code: 'STORE_NOT_ALLOWED' });
    },
  );

  it.each(['s3://bucket', 'file:///x', 'local:relative', 'local:', '/absolute', 'local:/a\0b'])(
    'is refused as %j',
    async (url) => {
      await expect(admit(url)).rejects.toMatchObject({ code: 'STORE_NOT_ALLOWED' });
    },
  );

  it('is refused where a file stands in the way', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(admit(`local:${root}/file/x`)).rejects.toMatchObject({ kind: 'Validation' });
    await expect(admit(`local:${root}/file`)).rejects.toMatchObject({ kind: 'Validation' });
  });
});
