import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRestoreRoots } from './restore-roots.js';

describe.skipIf(process.platform !== 'linux')('the folders that a host allows restores to', () => {
  let folder: string;
  const at = (name: string): string => path.join(folder, name);

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-roots-'));
    fs.mkdirSync(at('good'));
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync(at('nowhere/x'), at('dangling'));
    fs.symlinkSync('circle', at('circle'));
    fs.mkdirSync(at('all'));
    fs.chmodSync(at('all'), 0o777);
    fs.symlinkSync(at('good'), at('all/link'));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const check = (roots: readonly string[], target: string): string[] => {
    const ignored: string[] = [];
    checkRestoreRoots(roots.map(at), Buffer.from(at(target)), [[]], (root) =>
      ignored.push(path.relative(folder, root)),
    );
    return ignored;
  };

  it.each(['dangling', 'file/x', 'circle', 'all/link'])(
    'are those that can be found: %s allows nothing and is in the way of no other',
    (root) => {
      expect(check([root, 'good'], 'good')).toEqual([root]);
      expect(check(['good', root], 'good/new')).toEqual([root]);
      expect(() => check([root], 'good')).toThrow('does not allow restores');
    },
  );

  it('may still have to be made', () => {
    expect(check(['later'], 'later/new')).toEqual([]);
  });
});
