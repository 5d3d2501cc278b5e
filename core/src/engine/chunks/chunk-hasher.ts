import { PackKind } from '@holdfast/proto/vault';
import { damaged } from '../format/format-errors.js';
import { type IdList, idCount } from '../format/id-set.js';
import { HmacSha256, sha256 } from './hmac-sha256.js';

/** A chunk's names: who can compute `claim` has the content, `id` is what stored objects say. */
export interface ChunkName {
  readonly claim: Buffer;
  readonly id: Buffer;
}

/**
 * Names the chunks of one dedup domain:
 * `claim = HMAC-SHA256(id key, u8 kind ‖ u32le edge count ‖ edges ‖ plaintext)`, `id = SHA-256(claim)`.
 * Never truncated: everything above trusts that two chunks with one id are one chunk.
 */
export class ChunkHasher {
  private readonly hmac: HmacSha256;
  private readonly head = Buffer.alloc(5);

  /** @param idKey 32 bytes, secret of the domain */
  constructor(idKey: Uint8Array) {
    this.hmac = new HmacSha256(idKey);
  }

  /** @param edges sorted set of the ids that the chunk refers to; empty for data */
  name(kind: PackKind, edges: IdList, plaintext: Uint8Array): ChunkName {
    this.head[0] = kind;
    this.head.writeUInt32LE(idCount(edges), 1);
    const claim = this.hmac.digest(this.head, edges, plaintext);
    return { claim, id: idOfClaim(claim) };
  }

  nameData(plaintext: Uint8Array): ChunkName {
    return this.name(PackKind.PACK_KIND_DATA, NO_EDGES, plaintext);
  }
}

const NO_EDGES = Buffer.alloc(0);

export function idOfClaim(claim: Uint8Array): Buffer {
  return sha256(claim);
}

/** Throws Integrity unless the plaintext, with its edges, is what `id` names. Every reader calls this. */
export function verifyChunk(
  hasher: ChunkHasher,
  kind: PackKind,
  id: Uint8Array,
  edges: IdList,
  plaintext: Uint8Array,
): void {
  if (!hasher.name(kind, edges, plaintext).id.equals(id)) {
    throw damaged('CHUNK_MISMATCH', 'A chunk does not have the content that its id names.', {
      chunk: Buffer.from(id).toString('hex'),
    });
  }
}
