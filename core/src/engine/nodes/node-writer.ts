import { Node, PackKind } from '@holdfast/proto/vault';
import type { ChunkHasher } from '../chunks/chunk-hasher.js';
import { encodeMessage } from '../format/canonical.js';
import { unstorable } from '../format/format-errors.js';
import { indexInSet, sortedIdSet } from '../format/id-set.js';
import { MAX_CHUNK_BYTES } from '../format/limits.js';
import { expandKey } from '../sealing/hkdf.js';

/** A node as a chunk: ready to be asked for by its claim, and packed if the vault has none. */
export interface BuiltNode {
  readonly id: Buffer;
  readonly claim: Buffer;
  /** Sorted set of the ids it refers to. */
  readonly edges: Buffer;
  readonly plaintext: Buffer;
}

export type NodeSink = (node: BuiltNode) => void;

/** Makes the nodes of one dedup domain and hands each to the sink, children before parents. */
export class NodeWriter {
  /** Decides where directories split; derived, so that it is the same for all agents of the domain. */
  readonly splitKey: Buffer;

  constructor(
    private readonly hasher: ChunkHasher,
    chunkerKey: Uint8Array,
    private readonly sink: NodeSink,
  ) {
    this.splitKey = expandKey(chunkerKey, 'holdfast node split v1', 32);
  }

  /** @param compose the body, given the position of each id among the node's edges */
  write(refs: readonly Uint8Array[], compose: (edgeOf: (id: Uint8Array) => number) => Node['body']): Buffer {
    const edges = sortedIdSet(refs);
    const plaintext = encodeMessage(Node, { body: compose((id) => indexInSet(edges, id)) });
    if (plaintext.length > MAX_CHUNK_BYTES)
      throw unstorable('NODE_TOO_LARGE', 'A node is longer than the format allows.');
    const { id, claim } = this.hasher.name(PackKind.PACK_KIND_NODE, edges, plaintext);
    this.sink({ id, claim, edges, plaintext });
    return id;
  }
}
