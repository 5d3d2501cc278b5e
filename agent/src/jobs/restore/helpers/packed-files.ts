import type { ExtendedAttribute } from '../../../workloads/files/file-entry.js';
import type { NewFile } from '../../../workloads/files/new-file.js';

/** Files for another thread: many small objects cost more to copy than to write. */
export interface PackedFiles {
  readonly dirFds: Int32Array;
  /** One character per byte. */
  readonly names: readonly string[];
  readonly temporaries: readonly (string | undefined)[];
  /** Mode, owner and group of each, and whether it may have ACLs already. */
  readonly numbers: Uint32Array;
  readonly mtimes: BigInt64Array;
  /** Of those that have some, by place. */
  readonly xattrs: ReadonlyMap<number, readonly ExtendedAttribute[]>;
  readonly lengths: Uint32Array;
  /** All contents, one after another. It changes hands. */
  readonly contents: ArrayBuffer;
}

const PER_FILE = 4;

export function packFiles(files: readonly NewFile[]): PackedFiles {
  const contents = Buffer.allocUnsafeSlow(files.reduce((sum, { content }) => sum + content.length, 0));
  const numbers = new Uint32Array(files.length * PER_FILE);
  const xattrs = new Map<number, readonly ExtendedAttribute[]>();
  let at = 0;
  for (const [index, { entry, content, mayHaveOtherAcl }] of files.entries()) {
    contents.set(content, at);
    at += content.length;
    numbers.set([entry.mode, entry.uid, entry.gid, mayHaveOtherAcl ? 1 : 0], index * PER_FILE);
    if (entry.xattrs.length > 0) xattrs.set(index, entry.xattrs);
  }
  return {
    dirFds: Int32Array.from(files, ({ dirFd }) => dirFd),
    names: files.map(({ name }) => name.toString('latin1')),
    temporaries: files.map(({ temporary }) => temporary?.toString('latin1')),
    numbers,
    mtimes: BigInt64Array.from(files, ({ entry }) => entry.mtimeNs),
    xattrs,
    lengths: Uint32Array.from(files, ({ content }) => content.length),
    contents: contents.buffer,
  };
}

export function unpackFiles({ names, temporaries, ...packed }: PackedFiles): NewFile[] {
  let at = 0;
  return names.map((name, index) => {
    const [mode = 0, uid = 0, gid = 0, acl] = packed.numbers.subarray(index * PER_FILE, (index + 1) * PER_FILE);
    const length = packed.lengths[index] as number;
    const content = Buffer.from(packed.contents, at, length);
    at += length;
    return {
      dirFd: packed.dirFds[index] as number,
      name: Buffer.from(name, 'latin1'),
      temporary: asBytes(temporaries[index]),
      entry: {
        type: 'file',
        mode,
        uid,
        gid,
        mtimeNs: packed.mtimes[index] as bigint,
        xattrs: (packed.xattrs.get(index) ?? []).map(({ name: attribute, value }) => ({
          name: Buffer.from(attribute),
          value: Buffer.from(value),
        })),
      },
      content,
      mayHaveOtherAcl: acl === 1,
    };
  });
}

function asBytes(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1');
}
