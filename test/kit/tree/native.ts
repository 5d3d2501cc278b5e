/**
 * The system calls that Node lacks, bound once more for the comparer: it must not share code
 * with the product it checks. Linux with glibc.
 */
import koffi from 'koffi';

export interface Extent {
  readonly offset: bigint;
  readonly end: bigint;
}

interface Native {
  listAttributes(path: Buffer): Buffer[];
  getAttribute(path: Buffer, name: Buffer): Buffer;
  setAttribute(path: Buffer, name: string, value: Buffer): void;
  dataExtents(fd: number, size: bigint): Extent[];
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;
const EOPNOTSUPP = 95;
const ATTRIBUTE_CAP = 1 << 20;

function bind(): Native {
  const libc = koffi.load('libc.so.6');
  const llistxattr = libc.func('long llistxattr(void *path, _Out_ void *list, size_t size)');
  const lgetxattr = libc.func('long lgetxattr(void *path, void *name, _Out_ void *value, size_t size)');
  const lsetxattr = libc.func('int lsetxattr(void *path, const char *name, void *value, size_t size, int flags)');
  const lseek = libc.func('int64_t lseek(int fd, int64_t offset, int whence)');
  const scratch = Buffer.alloc(ATTRIBUTE_CAP);
  const zeroEnded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.of(0)]);
  const failed = (call: string, path: string): Error => new Error(`${call} failed on ${path}: errno ${koffi.errno()}`);

  return {
    listAttributes(path) {
      const length = Number(llistxattr(zeroEnded(path), scratch, scratch.length));
      if (length < 0) {
        if (koffi.errno() === EOPNOTSUPP) return [];
        throw failed('llistxattr', path.toString('latin1'));
      }
      const names: Buffer[] = [];
      for (let start = 0; start < length; ) {
        const end = scratch.indexOf(0, start);
        names.push(Buffer.from(scratch.subarray(start, end)));
        start = end + 1;
      }
      return names.sort(Buffer.compare);
    },
    getAttribute(path, name) {
      const length = Number(lgetxattr(zeroEnded(path), zeroEnded(name), scratch, scratch.length));
      if (length < 0) throw failed('lgetxattr', path.toString('latin1'));
      return Buffer.from(scratch.subarray(0, length));
    },
    setAttribute(path, name, value) {
      if (lsetxattr(zeroEnded(path), name, value, value.length, 0) !== 0)
        throw failed('lsetxattr', path.toString('latin1'));
    },
    dataExtents(fd, size) {
      const extents: Extent[] = [];
      for (let position = 0n; position < size; ) {
        const data = BigInt(lseek(fd, position, SEEK_DATA));
        if (data < 0n) {
          if (koffi.errno() === ENXIO) break;
          throw failed('lseek', `fd ${fd}`);
        }
        const hole = BigInt(lseek(fd, data, SEEK_HOLE));
        if (hole < 0n) throw failed('lseek', `fd ${fd}`);
        extents.push({ offset: data, end: hole < size ? hole : size });
        position = hole;
      }
      return extents;
    },
  };
}

export const native: Native = bind();
