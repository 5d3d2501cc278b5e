/** A file system of a few MiB in a file of its own: what a full or read-only disk does is seen on a real one. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { needPackage, reportNotRun } from './need-package.js';

const MIB = 1 << 20;
const FILLER = 'filler';
/** mkfs is not on everybody's path. */
const SYSTEM_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

export class SmallDisk {
  readonly #image: string;
  /** Where it is mounted. */
  readonly folder: string;

  private constructor(image: string, folder: string) {
    this.#image = image;
    this.folder = folder;
  }

  /** Makes a file system of `mib` MiB and mounts it at `folder`, which is made if it is missing. */
  static mount(folder: string, mib: number): SmallDisk {
    const image = `${folder}.image`;
    fs.writeFileSync(image, '');
    fs.truncateSync(image, mib * MIB);
    // Nothing set aside for root: the tests may be run by it.
    run('mkfs.ext4', '-q', '-m', '0', image);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const device = directDevice(image);
    run('mount', device ?? image, folder);
    // It goes once nobody uses it any more.
    if (device) run('losetup', '--detach', device);
    fs.rmdirSync(path.join(folder, 'lost+found'));
    fs.chmodSync(folder, 0o700);
    return new SmallDisk(image, folder);
  }

  /** Takes all space but about `left` bytes. */
  fill(left = 0): void {
    const fd = fs.openSync(path.join(this.folder, FILLER), 'a', 0o600);
    try {
      // Large pieces first: the last one that fits decides, in blocks.
      for (let piece = MIB; piece >= 1024; piece /= 2) while (this.#free() > left && append(fd, piece));
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Gives back what `fill` took. */
  makeRoom(): void {
    fs.rmSync(path.join(this.folder, FILLER), { force: true });
  }

  /** Whatever is opened from now on may be read only. Fails while files are open for writing. */
  remount(how: 'ro' | 'rw'): void {
    run('mount', '-o', `remount,${how}`, this.folder);
  }

  /** Whoever writes from now on waits until `thaw`. */
  freeze(): void {
    run('fsfreeze', '--freeze', this.folder);
  }

  thaw(): void {
    run('fsfreeze', '--unfreeze', this.folder);
  }

  remove(): void {
    // Lazily: a process that a failed test left behind may still have files open here.
    run('umount', '--lazy', this.folder);
    fs.rmSync(this.#image, { force: true });
  }

  #free(): number {
    const { bavail, bsize } = fs.statfsSync(this.folder);
    return bavail * bsize;
  }
}

/** A device that passes what is written on to the image's own disk, and not by way of memory. Undefined where it cannot: `mount` makes the other kind. */
function directDevice(image: string): string | undefined {
  try {
    return run('losetup', '--find', '--show', '--direct-io=on', image).trim();
  } catch {
    return undefined;
  }
}

/** False, and reported, where this user may not mount anything. */
export function canMountDisks(): boolean {
  const what = 'full and read-only disks';
  const hasPrograms = needPackage({ what, packages: ['e2fsprogs', 'mount'], isThere: () => has('mkfs.ext4', 'mount') });
  if (!hasPrograms || mounts()) return hasPrograms;
  reportNotRun(what, 'needs root, where mount is allowed');
  return false;
}

function has(...programs: readonly string[]): boolean {
  const folders = SYSTEM_PATH.split(':');
  return programs.every((program) => folders.some((folder) => fs.existsSync(path.join(folder, program))));
}

function mounts(): boolean {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-disk-'));
  try {
    SmallDisk.mount(path.join(folder, 'disk'), 4).remove();
    return true;
  } catch {
    return false;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function append(fd: number, bytes: number): boolean {
  try {
    return fs.writeSync(fd, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function run(program: string, ...args: readonly string[]): string {
  const env = { ...process.env, PATH: SYSTEM_PATH };
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', env });
}
