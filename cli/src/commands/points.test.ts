import { describe, expect, it } from 'vitest';
import { rowOf } from './points.js';

const file = { mode: 0o640, uid: 1000, gid: 100, size: '2048', modifiedAt: '2026-01-02T03:04:05.000Z' };

describe('a line of what is browsed', () => {
  it('shows mode, owner, size, time and name', () => {
    expect(rowOf({ ...file, type: 'FILE', name: 'a.txt', linkTarget: null })).toEqual([
      '-rw-r-----',
      '1000:100',
      '2.0 KiB',
      '2026-01-02T03:04:05Z',
      'a.txt',
    ]);
    expect(rowOf({ ...file, type: 'SYMLINK', name: 'l', linkTarget: '../a' })[4]).toBe('l -> ../a');
  });

  it('shows large owners as the host has them', () => {
    expect(rowOf({ ...file, type: 'FILE', name: 'a', linkTarget: null, uid: -2, gid: -2147483648 })[1]).toBe(
      '4294967294:2147483648',
    );
  });

  it('claims nothing about a folder that only leads to what was backed up', () => {
    const leading = { mode: null, uid: null, gid: null, size: '0', modifiedAt: null, linkTarget: null };
    expect(rowOf({ ...leading, type: 'DIRECTORY', name: 'srv' })).toEqual(['d?????????', null, '', undefined, 'srv']);
  });
});
