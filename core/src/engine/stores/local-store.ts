/**
 * Objects as files below one folder.
 *
 * Crash safety: bytes go to a temporary file beside their place, which is flushed to the disk before
 * it gets its name, and then the folder is flushed. A crash before the name leaves a temporary file,
 * removed when a store of the same owner opens. A flush that fails is final: the kernel may have
 * dropped the pages, so a second flush that succeeds would prove nothing. A folder that is there may
 * have been made by a process that died before it flushed the folder around it: each process flushes
 * that once before it relies on it.
 */
import { constants } from 'node:fs';
import * as fileSystem from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HoldfastError } from '../../errors/index.js';
import type { Random } from '../../ids/index.js';
import { reached } from '../../moments/index.js';
import { unstorable } from '../format/format-errors.js';
import type { FileCalls, OpenFile } from './file-calls.js';
import type {
  ByteRange,
  ObjectInfo,
  ObjectReaper,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  PutResult,
  StoreSpace,
  TellUnreadable,
} from './object-store.js';
import {
  checkObjectName,
  checkRange,
  objectNotAFile,
  objectNotFound,
  shardNotAFolder,
  storeFailure,
  writerClosed,
} from './store-errors.js';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const OWNER = /^[a-z0-9-]{1,64}$/;
// Packs are many: one folder per two hex digits keeps folders of a size that lists quickly.
const SHARDED = /^pack\/([0-9a-f]{2})[^/]*$/;
const SHARD = /^[0-9a-f]{2}$/;

/** A symbolic link, and a socket. */
const NO_FILE: ReadonlySet<string | undefined> = new Set(['ELOOP', 'ENXIO']);

export interface LocalStoreOptions {
  /** Absolute path of the store's folder. */
  readonly root: string;
  /** Names the temporary files, lower-case letters, digits and dashes: one running process at a time per owner. */
  readonly owner: string;
  readonly random: Random;
  /** Make the folder (not its parents) if it is missing. Otherwise a missing folder is Unavailable: its disk may not be mounted. */
  readonly create: boolean;
  /** Those of this system unless given. */
  readonly calls?: FileCalls;
}

export async function openLocalStore(options: LocalStoreOptions): Promise<LocalStore> {
  if (!OWNER.test(options.owner)) throw unstorable('STORE_OWNER', "This is not a name for a store's owner.");
  const { root, owner, create, calls = fileSystem } = options;
  try {
    if (create) await makeFolder(calls, root);
    await removeLeftovers(calls, root, temporaryPrefix(owner));
  } catch (thrown) {
    throw storeFailure(thrown);
  }
  return new LocalStore(options);
}

export class LocalStore implements ObjectStore, ObjectReaper {
  readonly remote = false;
  private readonly root: string;
  private readonly calls: FileCalls;
  /** Folders below the root, each known to be durable once its promise resolves. */
  private readonly folders = new Map<string, Promise<void>>();

  constructor(private readonly options: LocalStoreOptions) {
    this.root = options.root;
    this.calls = options.calls ?? fileSystem;
  }

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult> {
    const writer = await this.openWriter(name, options);
    try {
      if (content instanceof Uint8Array) await writer.write(content);
      else for await (const piece of content) await writer.write(piece);
      return await writer.commit();
    } catch (thrown) {
      await writer.abort();
      throw thrown;
    }
  }

  async openWriter(name: string, options: PutOptions = {}): Promise<ObjectWriter> {
    const path = this.pathOf(name);
    const temporary = join(
      dirname(path),
      temporaryPrefix(this.options.owner) + this.options.random.bytes(12).toString('hex'),
    );
    try {
      await this.ensureFolder(dirname(path));
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
      const file = await this.calls.open(temporary, flags, FILE_MODE);
      return new LocalWriter(this.calls, { name, path, temporary, ifAbsent: options.ifAbsent === true }, file);
    } catch (thrown) {
      throw storeFailure(thrown, name);
    }
  }

  async get(name: string, range?: ByteRange): Promise<Buffer> {
    const path = this.pathOf(name);
    let file: OpenFile | undefined;
    try {
      file = await this.openObject(name, path);
      const { offset, length } = checkRange(name, range, await sizeOf(name, file));
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) checkRange(name, { offset, length }, offset + done);
        done += bytesRead;
      }
      return bytes;
    } catch (thrown) {
      throw await this.readFailure(thrown, name);
    } finally {
      // What was read is whole however the closing goes.
      await file?.close().catch(() => undefined);
    }
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    try {
      return { name, size: (await this.calls.stat(this.pathOf(name))).size };
    } catch (thrown) {
      const failure = await this.readFailure(thrown, name);
      if (failure.kind === 'NotFound') return undefined;
      throw failure;
    }
  }

  async *list(prefix: string, unreadable: TellUnreadable = passOverNothing): AsyncIterable<ObjectInfo> {
    try {
      await this.calls.stat(this.root);
    } catch (thrown) {
      throw storeFailure(thrown);
    }
    yield* this.walk('', prefix, unreadable);
  }

  async space(): Promise<StoreSpace | undefined> {
    try {
      const { frsize, blocks, bavail } = await this.calls.statfs(this.root, { bigint: true });
      // File systems of no fixed size say that they have none.
      return blocks === 0n ? undefined : { free: bavail * frsize, total: blocks * frsize };
    } catch (thrown) {
      throw storeFailure(thrown);
    }
  }

  async delete(name: string): Promise<void> {
    const path = this.pathOf(name);
    try {
      await this.calls.unlink(path);
      await syncFolder(this.calls, dirname(path));
    } catch (thrown) {
      const failure = await this.readFailure(thrown, name);
      if (failure.kind !== 'NotFound') throw failure;
    }
  }

  private pathOf(name: string): string {
    checkObjectName(name);
    const shard = SHARDED.exec(name)?.[1];
    return shard === undefined ? join(this.root, name) : join(this.root, 'pack', shard, name.slice('pack/'.length));
  }

  /** What lies in a store is whatever somebody put there: opening or reading it must never wait for another process. */
  private async openObject(name: string, path: string): Promise<OpenFile> {
    try {
      return await this.calls.open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (thrown) {
      if (NO_FILE.has((thrown as NodeJS.ErrnoException).code)) throw objectNotAFile(name);
      throw thrown;
    }
  }

  private ensureFolder(folder: string): Promise<void> {
    if (folder === this.root) return Promise.resolve();
    let ensured = this.folders.get(folder);
    if (ensured === undefined) {
      ensured = this.ensureFolder(dirname(folder)).then(() => makeFolder(this.calls, folder));
      this.folders.set(folder, ensured);
      ensured.catch(() => this.folders.delete(folder));
    }
    return ensured;
  }

  // A missing file below a present root is a missing object, as is one below something that is no folder; below a missing root, a missing store.
  private async readFailure(thrown: unknown, name: string) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return storeFailure(thrown, name);
    const root: Promise<unknown> =
      code === 'ENOENT' ? this.calls.stat(this.root) : this.calls.readdir(this.root, { withFileTypes: true });
    return root.then(
      () => objectNotFound(name),
      (failed: unknown) => storeFailure(failed, name),
    );
  }

  /** None where it cannot be listed, and that was passed over. */
  private async entriesOf(inside: string, shard: string, unreadable: TellUnreadable) {
    try {
      return await this.calls.readdir(join(this.root, inside, shard), { withFileTypes: true });
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
      const failure = storeFailure(thrown, inside + shard);
      if (inside === '') throw failure;
      unreadable(inside + shard, failure);
      return [];
    }
  }

  private async lookedAt(name: string, unreadable: TellUnreadable): Promise<ObjectInfo | undefined> {
    try {
      return await this.stat(name);
    } catch (thrown) {
      unreadable(name, storeFailure(thrown, name));
      return undefined;
    }
  }

  // `inside` is the object name of a folder, ending in '/', or ''. Sharding does not disturb the order:
  // a shard's name is how the names in it begin.
  private async *walk(
    inside: string,
    prefix: string,
    unreadable: TellUnreadable,
    shard = '',
  ): AsyncIterable<ObjectInfo> {
    const entries = await this.entriesOf(inside, shard, unreadable);
    // A folder sorts as its name with the slash, as the names in it do.
    const named = entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => ({ entry, key: entry.isDirectory() ? `${entry.name}/` : entry.name }));
    for (const { entry, key } of named.sort((a, b) => (a.key < b.key ? -1 : 1))) {
      const name = inside + key;
      const isShard = inside === 'pack/' && shard === '' && SHARD.test(entry.name);
      if (isShard && mayHold(`pack/${entry.name}`, prefix)) {
        if (entry.isDirectory()) yield* this.walk(inside, prefix, unreadable, entry.name);
        else unreadable(`pack/${entry.name}`, shardNotAFolder(entry.name));
      } else if (entry.isFile() && !isShard) {
        const info = name.startsWith(prefix) ? await this.lookedAt(name, unreadable) : undefined;
        if (info) yield info;
      } else if (entry.isDirectory() && !isShard && mayHold(name, prefix)) yield* this.walk(name, prefix, unreadable);
    }
  }
}

class LocalWriter implements ObjectWriter {
  private open = true;

  constructor(
    private readonly calls: FileCalls,
    private readonly object: {
      readonly name: string;
      readonly path: string;
      readonly temporary: string;
      readonly ifAbsent: boolean;
    },
    private readonly file: OpenFile,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.open) throw writerClosed();
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.file.write(bytes, done, bytes.length - done)).bytesWritten;
      }
    } catch (thrown) {
      await this.abort();
      throw storeFailure(thrown, this.object.name);
    }
  }

  async commit(): Promise<PutResult> {
    if (!this.open) throw writerClosed();
    try {
      reached('store.written');
      await this.file.sync();
      reached('store.flushed');
      const created = await this.publish();
      reached('store.named');
      await this.makeNameDurable(created);
      reached('store.durable');
      this.open = false;
      await this.file.close();
      return { created };
    } catch (thrown) {
      await this.abort();
      throw storeFailure(thrown, this.object.name);
    }
  }

  async abort(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.file.close().catch(() => undefined);
    // What cannot be removed now is removed when the store opens next.
    await this.calls.unlink(this.object.temporary).catch(() => undefined);
  }

  /** A new name that cannot be flushed is taken away again, for a later flush of the same folder could not vouch for it. */
  private async makeNameDurable(created: boolean): Promise<void> {
    const { path, ifAbsent } = this.object;
    try {
      await syncFolder(this.calls, dirname(path));
    } catch (thrown) {
      if (created && ifAbsent) await this.calls.unlink(path).catch(() => undefined);
      throw thrown;
    }
  }

  private async publish(): Promise<boolean> {
    const { calls } = this;
    const { path, temporary, ifAbsent } = this.object;
    if (!ifAbsent) {
      await calls.rename(temporary, path);
      return true;
    }
    const created = await calls.link(temporary, path).then(
      () => true,
      (thrown: NodeJS.ErrnoException) => {
        if (thrown.code === 'EEXIST') return false;
        throw thrown;
      },
    );
    await calls.unlink(temporary);
    return created;
  }
}

async function sizeOf(name: string, file: OpenFile): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) throw objectNotAFile(name);
  return stats.size;
}

function passOverNothing(_name: string, failure: HoldfastError): never {
  throw failure;
}

function temporaryPrefix(owner: string): string {
  return `.tmp-${owner}-`;
}

function mayHold(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder);
}

/** There, and durable: whoever made it may have died before it flushed the folder around it. */
async function makeFolder(calls: FileCalls, folder: string): Promise<void> {
  const made = await calls.mkdir(folder, { mode: FOLDER_MODE }).then(
    () => true,
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'EEXIST') return false;
      throw thrown;
    },
  );
  try {
    await syncFolder(calls, dirname(folder));
  } catch (thrown) {
    // As with a file's name: whoever needs the folder next makes it anew.
    if (made) await calls.rmdir(folder).catch(() => undefined);
    throw thrown;
  }
}

async function syncFolder(calls: FileCalls, folder: string): Promise<void> {
  const handle = await calls.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What cannot be removed takes space and does nothing else: the next to open the store tries again. */
async function removeLeftovers(calls: FileCalls, folder: string, prefix: string): Promise<void> {
  for (const entry of await calls.readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await removeLeftovers(calls, path, prefix).catch(() => undefined);
    else if (entry.name.startsWith(prefix)) await calls.unlink(path).catch(() => undefined);
  }
}
