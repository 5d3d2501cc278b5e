import { type Content, type Entry, Node } from '@holdfast/proto/vault';
import { decodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { type IdList, idAt, idCount, isSortedIdSet } from '../format/id-set.js';
import { MAX_CHUNK_BYTES, MAX_NODE_EDGES, MAX_NODE_ENTRIES } from '../format/limits.js';
import type { MessageShape } from '../format/message-shape.js';
import type { FileExtent } from './file-builder.js';
import { type ContentRef, flawOfEntry, flawOfName, MAX_XATTRS, type TreeEntry } from './tree-entry.js';

export interface DirectoryPartRef {
  readonly id: Buffer;
  readonly firstName: Buffer;
  /** Entries below the part. */
  readonly entries: number;
}

/** A part of a file: its extents lie in [offset, offset + length). */
export interface FilePartRef {
  readonly id: Buffer;
  readonly offset: number;
  readonly length: number;
}

export type ParsedNode =
  | { readonly type: 'directory'; readonly entries: readonly TreeEntry[] }
  | { readonly type: 'directory-index'; readonly parts: readonly DirectoryPartRef[] }
  | { readonly type: 'file'; readonly extents: readonly FileExtent[] }
  | { readonly type: 'file-index'; readonly parts: readonly FilePartRef[] };

const items = (inside?: MessageShape): MessageShape => ({ 1: { most: MAX_NODE_ENTRIES, ...(inside && { inside }) } });
/** Of a Node: directory (1), directory_index (2), file (3) or file_index (4), with its items; and the xattrs (12) of entries. */
const SHAPE: MessageShape = {
  1: { inside: items({ 12: { most: MAX_NODE_ENTRIES * MAX_XATTRS } }) },
  2: { inside: items() },
  3: { inside: items() },
  4: { inside: items() },
};

/** Reads a node chunk whose id was verified, and checks every rule that one node can break. Throws Integrity. */
export function parseNode(plaintext: Uint8Array, edges: IdList): ParsedNode {
  if (!isSortedIdSet(edges) || idCount(edges) > MAX_NODE_EDGES) throw malformed('its edges are not a sorted set');
  const { body } = decodeMessage(Node, plaintext, 'node', MAX_CHUNK_BYTES, SHAPE);
  const take = new EdgeReader(edges);
  const node = parseBody(body, take);
  take.expectAllUsed();
  return node;
}

function parseBody(body: Node['body'], edges: EdgeReader): ParsedNode {
  switch (body?.$case) {
    case 'directory': {
      const entries = body.value.entries.map((entry) => parseEntry(entry, edges));
      expectCount(entries, 0);
      expectAscending(entries.map((entry) => entry.name));
      return { type: 'directory', entries };
    }
    case 'directoryIndex': {
      const parts = body.value.parts.map((part) => ({
        id: edges.at(part.edge),
        firstName: part.firstName,
        entries: toNumber(part.entries),
      }));
      expectCount(parts, 1);
      expectAscending(parts.map((part) => part.firstName));
      if (parts.some((part) => part.entries === 0 || flawOfName(part.firstName)))
        throw malformed('a part of it is empty or has no name');
      return { type: 'directory-index', parts };
    }
    case 'file': {
      const extents = body.value.extents.map((extent) => ({
        id: edges.at(extent.edge),
        offset: toNumber(extent.offset),
        length: extent.length,
      }));
      expectCount(extents, 1);
      expectApart(extents, MAX_CHUNK_BYTES);
      return { type: 'file', extents };
    }
    case 'fileIndex': {
      const parts = body.value.parts.map((part) => ({
        id: edges.at(part.edge),
        offset: toNumber(part.offset),
        length: toNumber(part.length),
      }));
      expectCount(parts, 1);
      expectApart(parts, Number.MAX_SAFE_INTEGER);
      return { type: 'file-index', parts };
    }
    default:
      throw malformed('it has no body that this version knows');
  }
}

function parseEntry(entry: Entry, edges: EdgeReader): TreeEntry {
  const parsed: TreeEntry = {
    ...entry,
    mtimeSeconds: toNumber(entry.mtimeSeconds),
    size: toNumber(entry.size),
    content: parseContent(entry.content, edges),
  };
  const flaw = flawOfEntry(parsed);
  if (flaw) throw malformed(flaw);
  return parsed;
}

function parseContent(content: Content | undefined, edges: EdgeReader): ContentRef | undefined {
  if (!content) return undefined;
  if (!content.ref) throw malformed('a content refers to nothing');
  return { kind: content.ref.$case === 'chunkEdge' ? 'chunk' : 'node', id: edges.at(content.ref.value) };
}

/** Resolves references, and remembers which edges were referred to: the set holds those and no others. */
class EdgeReader {
  private readonly used: Uint8Array;

  constructor(private readonly edges: IdList) {
    this.used = new Uint8Array(idCount(edges));
  }

  at(index: number): Buffer {
    if (index >= this.used.length) throw malformed('it refers to an edge that it does not have');
    this.used[index] = 1;
    return idAt(this.edges, index);
  }

  expectAllUsed(): void {
    if (this.used.includes(0)) throw malformed('it has an edge that it does not refer to');
  }
}

function expectCount(items: readonly unknown[], least: number): void {
  if (items.length < least || items.length > MAX_NODE_ENTRIES) throw malformed('its number of items is out of bounds');
}

function expectAscending(names: readonly Buffer[]): void {
  for (let at = 1; at < names.length; at++) {
    if (Buffer.compare(names[at - 1] as Buffer, names[at] as Buffer) >= 0) throw malformed('its names do not ascend');
  }
}

function expectApart(runs: readonly { offset: number; length: number }[], longest: number): void {
  let end = 0;
  for (const { offset, length } of runs) {
    if (offset < end || length < 1 || length > longest || !Number.isSafeInteger(offset + length)) {
      throw malformed('its extents overlap, are out of order or out of bounds');
    }
    end = offset + length;
  }
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw malformed('a number is out of bounds');
  return Number(value);
}

function malformed(why: string) {
  return damaged('MALFORMED_NODE', `A node breaks the format: ${why}.`);
}
