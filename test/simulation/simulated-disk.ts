/**
 * A disk in memory that knows what a power cut may take. It promises no more than POSIX does: bytes are safe once their file is
 * flushed, a name once the folder that it stands in is, and what was not flushed may be lost or kept, each change by itself and in any
 * order. The disk of a machine that merely lost a process keeps everything.
 */
import { constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FileCalls, FolderEntry, OpenFile } from '@holdfast/core/engine';

/** The call, and the path that it was made for. */
export interface DiskCall {
  readonly call: 'mkdir' | 'rmdir' | 'create' | 'write' | 'flush' | 'link' | 'rename' | 'unlink' | 'flushFolder';
  readonly path: string;
}

/** Whether a change that was not flushed outlives the power. */
export type Survives = () => boolean;

interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  flushed: Buffer;
  unflushed: { readonly at: number; readonly bytes: Buffer }[];
}

interface FolderNode {
  readonly kind: 'folder';
  entries: Map<string, Node>;
  flushed: Map<string, Node>;
  /** Each with all that it does at once: a rename both takes a name away and gives one. */
  unflushed: (readonly (readonly [name: string, node: Node | undefined])[])[];
}

type Node = FileNode | FolderNode;

/** What the medium writes whole. */
const BLOCK_BYTES = 4096;

export class SimulatedDisk implements FileCalls {
  private top = newFolder();
  /** What the next call that fits fails with: the name of an errno. */
  fault: (call: DiskCall) => string | undefined = () => undefined;
  /** Told of every change, after it. */
  changed: (call: DiskCall) => void = () => undefined;

  /** With one folder, as durable as if it had always been there. */
  constructor(readonly root = '/store') {
    const folder = newFolder();
    this.top.entries.set(basename(root), folder);
    this.top.flushed.set(basename(root), folder);
  }

  /** The power is cut: what comes back. */
  afterPowerCut(survives: Survives): SimulatedDisk {
    const disk = new SimulatedDisk(this.root);
    disk.top = survivorsOf(this.top, survives, new Map());
    return disk;
  }

  /** The paths of all files, in order. */
  paths(): string[] {
    return pathsBelow(this.top, '').sort();
  }

  /** What lies there, if anything does. */
  contentOf(path: string): Buffer | undefined {
    try {
      return this.file(path).bytes;
    } catch {
      return undefined;
    }
  }

  /** The file goes by itself, and no power cut brings it back. */
  lose(path: string): void {
    const folder = this.folderOf(path);
    const name = basename(path);
    folder.entries.delete(name);
    folder.flushed.delete(name);
    folder.unflushed = folder.unflushed.map((names) => names.filter(([each]) => each !== name));
  }

  /** Somebody else puts a file there, where there is none, and has flushed it. */
  place(path: string, bytes: Buffer): void {
    const folder = this.folderFor(dirname(path));
    const file: FileNode = { kind: 'file', bytes, flushed: bytes, unflushed: [] };
    folder.entries.set(basename(path), file);
    folder.flushed.set(basename(path), file);
  }

  async open(path: string, flags: number): Promise<OpenFile> {
    if ((flags & constants.O_DIRECTORY) !== 0) return this.openFolder(path);
    if ((flags & constants.O_CREAT) === 0) return this.openFile(path, this.file(path));
    this.begin({ call: 'create', path });
    const file: FileNode = { kind: 'file', bytes: Buffer.alloc(0), flushed: Buffer.alloc(0), unflushed: [] };
    if (this.folderOf(path).entries.has(basename(path))) throw failure('EEXIST', path);
    this.change({ call: 'create', path }, [[basename(path), file]]);
    return this.openFile(path, file);
  }

  async mkdir(path: string): Promise<void> {
    this.begin({ call: 'mkdir', path });
    if (this.folderOf(path).entries.has(basename(path))) throw failure('EEXIST', path);
    this.change({ call: 'mkdir', path }, [[basename(path), newFolder()]]);
  }

  async rmdir(path: string): Promise<void> {
    this.begin({ call: 'rmdir', path });
    if (this.folder(path).entries.size > 0) throw failure('ENOTEMPTY', path);
    this.change({ call: 'rmdir', path }, [[basename(path), undefined]]);
  }

  async readdir(path: string): Promise<FolderEntry[]> {
    return [...this.folder(path).entries].map(([name, { kind }]) => ({
      name,
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'folder',
    }));
  }

  async stat(path: string): Promise<{ size: number }> {
    const node = this.node(path);
    return { size: node.kind === 'file' ? node.bytes.length : 0 };
  }

  /** It has no size. */
  async statfs(path: string): Promise<never> {
    throw failure('ENOSYS', path);
  }

  async link(existing: string, path: string): Promise<void> {
    this.begin({ call: 'link', path });
    const file = this.file(existing);
    if (this.folderOf(path).entries.has(basename(path))) throw failure('EEXIST', path);
    this.change({ call: 'link', path }, [[basename(path), file]]);
  }

  async rename(from: string, path: string): Promise<void> {
    if (dirname(from) !== dirname(path)) throw new TypeError('this disk renames within one folder');
    this.begin({ call: 'rename', path });
    const node = this.node(from);
    this.change({ call: 'rename', path }, [
      [basename(from), undefined],
      [basename(path), node],
    ]);
  }

  async unlink(path: string): Promise<void> {
    this.begin({ call: 'unlink', path });
    this.file(path);
    this.change({ call: 'unlink', path }, [[basename(path), undefined]]);
  }

  private openFolder(path: string): OpenFile {
    const folder = this.folder(path);
    return {
      ...closed,
      sync: async () => {
        this.begin({ call: 'flushFolder', path });
        folder.flushed = new Map(folder.entries);
        folder.unflushed = [];
        this.changed({ call: 'flushFolder', path });
      },
    };
  }

  private openFile(path: string, file: FileNode): OpenFile {
    return {
      ...closed,
      read: async (into, at, length, position) => ({
        bytesRead: file.bytes.copy(into, at, position, position + length),
      }),
      write: async (bytes, at, length) => {
        this.begin({ call: 'write', path });
        const written = Buffer.from(bytes.subarray(at, at + length));
        file.unflushed.push({ at: file.bytes.length, bytes: written });
        file.bytes = Buffer.concat([file.bytes, written]);
        this.changed({ call: 'write', path });
        return { bytesWritten: length };
      },
      stat: async () => ({ size: file.bytes.length, isFile: () => true }),
      sync: async () => {
        this.begin({ call: 'flush', path });
        file.flushed = file.bytes;
        file.unflushed = [];
        this.changed({ call: 'flush', path });
      },
    };
  }

  private begin(call: DiskCall): void {
    const errno = this.fault(call);
    if (errno !== undefined) throw failure(errno, call.path);
  }

  private change(call: DiskCall, names: FolderNode['unflushed'][number]): void {
    const folder = this.folderOf(call.path);
    apply(folder.entries, names);
    folder.unflushed.push(names);
    this.changed(call);
  }

  private folderOf(path: string): FolderNode {
    return this.folder(dirname(path));
  }

  private folderFor(path: string): FolderNode {
    const parent = path === '/' ? undefined : this.folderFor(dirname(path));
    if (parent === undefined) return this.top;
    if (!parent.entries.has(basename(path))) parent.entries.set(basename(path), newFolder());
    parent.flushed.set(basename(path), parent.entries.get(basename(path)) as Node);
    return this.folder(path);
  }

  private folder(path: string): FolderNode {
    const node = this.node(path);
    if (node.kind !== 'folder') throw failure('ENOTDIR', path);
    return node;
  }

  private file(path: string): FileNode {
    const node = this.node(path);
    if (node.kind !== 'file') throw failure('EISDIR', path);
    return node;
  }

  private node(path: string): Node {
    let node: Node = this.top;
    for (const name of path.split('/').filter((each) => each !== '')) {
      const next: Node | undefined = node.kind === 'folder' ? node.entries.get(name) : undefined;
      if (next === undefined) throw failure('ENOENT', path);
      node = next;
    }
    return node;
  }
}

const closed: OpenFile = {
  read: () => Promise.reject(failure('EISDIR', '')),
  write: () => Promise.reject(failure('EISDIR', '')),
  stat: () => Promise.reject(failure('EISDIR', '')),
  sync: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function newFolder(): FolderNode {
  return { kind: 'folder', entries: new Map(), flushed: new Map(), unflushed: [] };
}

function pathsBelow({ entries }: FolderNode, path: string): string[] {
  return [...entries].flatMap(([name, node]) =>
    node.kind === 'file' ? [`${path}/${name}`] : pathsBelow(node, `${path}/${name}`),
  );
}

function apply(entries: Map<string, Node>, names: FolderNode['unflushed'][number]): void {
  for (const [name, node] of names) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

/** A node that has several names is still one afterwards. */
function survivorsOf<N extends Node>(node: N, survives: Survives, known: Map<Node, Node>): N {
  const before = known.get(node);
  if (before !== undefined) return before as N;
  const survivor: Node = node.kind === 'file' ? survivingFile(node, survives) : newFolder();
  known.set(node, survivor);
  if (node.kind === 'folder' && survivor.kind === 'folder') {
    const entries = new Map(node.flushed);
    for (const names of node.unflushed) if (survives()) apply(entries, names);
    for (const [name, child] of entries) survivor.entries.set(name, survivorsOf(child, survives, known));
    survivor.flushed = new Map(survivor.entries);
  }
  return survivor as N;
}

function survivingFile({ flushed, unflushed }: FileNode, survives: Survives): FileNode {
  let bytes = Buffer.from(flushed);
  for (const write of unflushed) {
    for (let at = 0; at < write.bytes.length; at += BLOCK_BYTES) {
      if (!survives()) continue;
      const block = write.bytes.subarray(at, at + BLOCK_BYTES);
      const end = write.at + at + block.length;
      if (end > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(end - bytes.length)]);
      block.copy(bytes, write.at + at);
    }
  }
  return { kind: 'file', bytes, flushed: Buffer.from(bytes), unflushed: [] };
}

function failure(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
