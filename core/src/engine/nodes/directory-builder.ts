import type { Content, Entry } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { unstorable } from '../format/format-errors.js';
import type { NodeWriter } from './node-writer.js';
import { SplitLevels } from './split-levels.js';
import { type ContentRef, flawOfEntry, type TreeEntry } from './tree-entry.js';

interface DirectoryPart {
  readonly id: Buffer;
  readonly name: Buffer;
  readonly entries: number;
}

/** Turns a directory's entries, in ascending order of their names, into its node or nodes. */
export class DirectoryBuilder {
  private readonly levels: SplitLevels<TreeEntry, DirectoryPart>;
  private last: Buffer | undefined;

  constructor(private readonly writer: NodeWriter) {
    this.levels = new SplitLevels<TreeEntry, DirectoryPart>({
      splitsBefore: (level, item) => sha256(Buffer.concat([writer.splitKey, Buffer.of(level), item.name]))[0] === 0,
      weight: (item) => ('type' in item ? entryWeight(item) : ITEM_WEIGHT + item.name.length),
      makeLeaf: (entries) => this.makeLeaf(entries),
      makeIndex: (parts) => this.makeIndex(parts),
    });
  }

  /** Throws Validation for an entry that the format cannot hold, or one out of order. */
  add(entry: TreeEntry): void {
    const flaw =
      flawOfEntry(entry) ??
      (this.last && Buffer.compare(this.last, entry.name) >= 0 ? 'names ascend, and none comes twice' : undefined);
    if (flaw) throw unstorable('UNSTORABLE_ENTRY', `An entry cannot be stored: ${flaw}.`);
    this.last = entry.name;
    this.levels.add(entry);
  }

  /** The id of the directory's node: a Directory, or a DirectoryIndex above several. */
  finish(): Buffer {
    return this.levels.finish().id;
  }

  private makeLeaf(entries: readonly TreeEntry[]): DirectoryPart {
    const refs = entries.flatMap((entry) => entry.content?.id ?? []);
    const id = this.writer.write(refs, (edgeOf) => ({
      $case: 'directory',
      value: { entries: entries.map((entry) => encodeEntry(entry, edgeOf)) },
    }));
    return { id, name: entries[0]?.name ?? Buffer.alloc(0), entries: entries.length };
  }

  private makeIndex(parts: readonly DirectoryPart[]): DirectoryPart {
    const id = this.writer.write(
      parts.map((part) => part.id),
      (edgeOf) => ({
        $case: 'directoryIndex',
        value: {
          parts: parts.map((part) => ({ edge: edgeOf(part.id), firstName: part.name, entries: BigInt(part.entries) })),
        },
      }),
    );
    const [first] = parts as [DirectoryPart];
    return { id, name: first.name, entries: parts.reduce((sum, part) => sum + part.entries, 0) };
  }
}

const ITEM_WEIGHT = 96;

function entryWeight(entry: TreeEntry): number {
  let weight = ITEM_WEIGHT + entry.name.length + entry.linkTarget.length + entry.hardLinkGroup.length;
  for (const { name, value } of entry.xattrs) weight += 16 + name.length + value.length;
  return weight;
}

function encodeEntry(entry: TreeEntry, edgeOf: (id: Uint8Array) => number): Entry {
  return {
    ...entry,
    mtimeSeconds: BigInt(entry.mtimeSeconds),
    size: BigInt(entry.size),
    xattrs: entry.xattrs.map(({ name, value }) => ({ name, value })),
    content: entry.content && encodeContent(entry.content, edgeOf),
  };
}

function encodeContent({ kind, id }: ContentRef, edgeOf: (id: Uint8Array) => number): Content {
  return { ref: { $case: kind === 'chunk' ? 'chunkEdge' : 'nodeEdge', value: edgeOf(id) } };
}
