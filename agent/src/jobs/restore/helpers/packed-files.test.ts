import { expect, it } from 'vitest';
import type { NewFile } from '../../../workloads/files/new-file.js';
import { packFiles, unpackFiles } from './packed-files.js';

it('hands files to another thread as they are', () => {
  const files: NewFile[] = [
    {
      dirFd: 7,
      name: Buffer.from([0xff, 0x0a]),
      temporary: Buffer.from('.t-0'),
      entry: { type: 'file', mode: 0o4755, uid: 4_000_000_000, gid: 1, mtimeNs: -1n, xattrs: [] },
      content: Buffer.from('content'),
      mayHaveOtherAcl: true,
    },
    {
      dirFd: 8,
      name: Buffer.from('b'),
      temporary: undefined,
      entry: {
        type: 'file',
        mode: 0o600,
        uid: 0,
        gid: 0,
        mtimeNs: 7_258_118_400_999_999_999n,
        xattrs: [{ name: Buffer.from('user.a'), value: Buffer.from([0, 255]) }],
      },
      content: Buffer.alloc(0),
      mayHaveOtherAcl: false,
    },
  ];
  const packed = packFiles(files);
  const arrived = structuredClone(packed, { transfer: [packed.contents] });
  expect(unpackFiles(arrived)).toStrictEqual(files);
});
