import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { statFd } from './file-status.js';
import { native } from './posix.js';
import { findFolder, locationOf, openFound, statusAround, UntrustedLinkError } from './target-folder.js';
import { runsAsRoot, runUnprivileged } from './unprivileged.fixture.js';
import { isPutByOthers } from './workshop.js';

const NOBODY = 65_534;

describe.skipIf(process.platform !== 'linux')('the folder that a path leads to', () => {
  let folder: string;
  const at = (name: string): string => path.join(folder, name);
  /** Whether it was made. */
  const make = (name: string | Buffer, mark?: string): boolean => {
    const found = findFolder(typeof name === 'string' ? Buffer.from(path.resolve(folder, name)) : name);
    try {
      const { fd, isNew } = openFound(found, 0o750, mark);
      fs.closeSync(fd);
      return isNew;
    } finally {
      fs.closeSync(found.fd);
    }
  };

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-folders-'));
    fs.chmodSync(folder, 0o755);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    fs.rmSync(folder, { recursive: true });
  });

  it('is made with those above it, with the mode that was asked for; what is there stays as it is', () => {
    fs.mkdirSync(at('there'));
    fs.chmodSync(at('there'), 0o700);
    expect([make('there/a/b'), make('there/a/b')]).toEqual([true, false]);
    const modeOf = (name: string): number => fs.statSync(at(name)).mode & 0o777;
    expect([modeOf('there'), modeOf('there/a'), modeOf('there/a/b')]).toEqual([0o700, 0o750, 0o750]);
  });

  it('is made behind links of our own, with any bytes in its name, however many slashes there are', () => {
    fs.mkdirSync(at('real'));
    fs.symlinkSync('real', at('link'));
    fs.symlinkSync(at('real/../link'), at('again'));
    make(Buffer.from(`${folder}//again/a\xff/`, 'latin1'));
    expect(fs.readdirSync(at('real'), 'latin1')).toEqual(['a\xff']);
    expect(make(Buffer.from('/'))).toBe(false);
  });

  it.each([
    ['file/below', 'ENOTDIR'],
    ['dangling/below', 'ENOENT'],
    ['circle/below', 'ELOOP'],
    ['x'.repeat(256), 'ENAMETOOLONG'],
    ['/proc/nowhere/below', 'ENOENT'],
    ['/proc/nowhere', 'ENOENT'],
  ])('is refused as the system refuses it: %s %s', (name, code) => {
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('nowhere', at('dangling'));
    fs.symlinkSync('circle', at('circle'));
    expect(() => make(name)).toThrow(expect.objectContaining({ code }));
  });

  it('leaves no descriptor open', () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    fs.symlinkSync('nowhere', at('dangling'));
    make('a/b');
    expect(() => make('dangling/b')).toThrow();
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  describe.skipIf(!runsAsRoot)('where others may write', () => {
    beforeEach(() => {
      fs.mkdirSync(at('precious'), { mode: 0o700 });
      fs.mkdirSync(at('theirs'));
      fs.chownSync(at('theirs'), NOBODY, NOBODY);
    });

    const expectRefused = (name: string, link: string): void => {
      expect(() => make(name)).toThrow(
        expect.objectContaining({ name: 'UntrustedLinkError', link: Buffer.from(at(link)) }),
      );
      expect(() => make(name)).toThrow(UntrustedLinkError);
      expect(fs.readdirSync(at('precious'))).toEqual([]);
    };

    it('is not reached over a link of another user, also not as the last name', () => {
      fs.symlinkSync('../precious', at('theirs/link'));
      fs.lchownSync(at('theirs/link'), NOBODY, NOBODY);
      expectRefused('theirs/link', 'theirs/link');
      expectRefused('theirs/link/new', 'theirs/link');
    });

    it('is not reached over a link of ours that another user can have moved there', () => {
      fs.symlinkSync('../precious', at('theirs/link'));
      expectRefused('theirs/link', 'theirs/link');
    });

    it('is not reached over any link in a folder for all, where another user can have put one of ours', async () => {
      fs.mkdirSync(at('all'));
      fs.chmodSync(at('all'), 0o1777);
      fs.symlinkSync('../precious', at('theirs/link'));
      await runUnprivileged(() => fs.renameSync(at('theirs/link'), at('all/link')));
      expectRefused('all/link', 'all/link');
      fs.symlinkSync('all/link', at('first'));
      expectRefused('first', 'all/link');
      fs.lchownSync(at('all/link'), NOBODY, NOBODY);
      expectRefused('all/link', 'all/link');
    });

    it('is reached over a link of ours in a folder of ours that lies there', () => {
      fs.mkdirSync(at('all/ours'), { recursive: true });
      fs.chmodSync(at('all'), 0o1777);
      fs.symlinkSync('../../precious', at('all/ours/link'));
      expect(make('all/ours/link')).toBe(false);
    });

    it('is made there all the same, and nothing else is left', () => {
      expect(make('theirs/a/b')).toBe(true);
      expect(fs.readdirSync(at('theirs'))).toEqual(['a']);
      expect(fs.statSync(at('theirs/a'))).toMatchObject({ uid: 0, mode: 0o040_750 });
    });

    describe('and an attempt to make it was killed', () => {
      /** As a kill leaves it: before the folder had its name, or right after. */
      const leave = (mark: string, isNamed: boolean): void => {
        const { unlinkat, renameat2 } = native();
        vi.spyOn(native(), 'unlinkat').mockImplementation((dirFd, name, flags) =>
          flags === 0 ? unlinkat(dirFd, name, flags) : unlinkat(-1, name, flags),
        );
        if (!isNamed)
          vi.spyOn(native(), 'renameat2').mockImplementation((number, _, ...rest) => renameat2(number, -1, ...rest));
        if (isNamed) make('theirs/a', mark);
        else expect(() => make('theirs/a', mark)).toThrow();
        vi.restoreAllMocks();
        expect(fs.readdirSync(at('theirs'))).toHaveLength(isNamed ? 2 : 1);
      };

      it.each([false, true])('leaves nothing that the next one does not remove', (isNamed) => {
        leave('mark-', isNamed);
        expect(make('theirs/a', 'mark-')).toBe(!isNamed);
        expect(fs.readdirSync(at('theirs'))).toEqual(['a']);
      });

      it('removes nothing but empty folders of its own', () => {
        leave('other-', false);
        const left = '.holdfast-restore-mark-0-';
        fs.writeFileSync(at(`theirs/${left}1`), '');
        fs.symlinkSync('../precious', at(`theirs/${left}2`));
        fs.mkdirSync(at(`theirs/${left}3`));
        fs.writeFileSync(at(`theirs/${left}3/secret`), '');
        fs.mkdirSync(at(`theirs/${left}4/${left}5/deeper`), { recursive: true });
        fs.mkdirSync(at(`precious/${left}6`));
        const all = (): string[] =>
          ['theirs', `theirs/${left}3`, `theirs/${left}4/${left}5`, 'precious'].flatMap((name) =>
            fs.readdirSync(at(name)),
          );
        const before = all();
        make('theirs/a', 'mark-');
        make('precious/a', 'mark-');
        expect(all().sort()).toEqual([...before, 'a', 'a'].sort());
      });
    });

    it('may have been put there by others where it is of ours and lies in theirs', () => {
      const canBePut = (name: string): boolean => {
        const fd = fs.openSync(at(name), 'r');
        try {
          return isPutByOthers(statFd(fd), statusAround(fd));
        } finally {
          fs.closeSync(fd);
        }
      };
      fs.mkdirSync(at('theirs/ours'));
      fs.mkdirSync(at('theirs/own'));
      fs.chownSync(at('theirs/own'), NOBODY, NOBODY);
      expect(['precious', 'theirs', 'theirs/own', 'theirs/ours'].map(canBePut)).toEqual([false, false, false, true]);
      // Whose own folder somebody else may have moved.
      fs.chmodSync(at('theirs'), 0o775);
      expect(canBePut('theirs/own')).toBe(true);
      fs.chmodSync(at('theirs'), 0o1775);
      expect(['theirs/own', 'theirs/ours'].map(canBePut)).toEqual([false, true]);
    });
  });

  it('says where it lies or will lie', () => {
    fs.mkdirSync(at('real'));
    fs.symlinkSync('real', at('link'));
    const found = findFolder(Buffer.from(at('link/new/er')));
    expect(locationOf(found).toString()).toBe(at('real/new/er'));
    fs.closeSync(found.fd);
  });
});
