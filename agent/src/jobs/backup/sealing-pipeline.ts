import type { PackKindName } from '../data-transport.js';

export interface ChunkToSeal {
  readonly kind: PackKindName;
  readonly id: Buffer;
  readonly plaintext: Buffer;
  /** Nodes: sorted set of ids. */
  readonly edges?: Buffer;
}

/**
 * From chunks that the vault does not have to packs on their way. Everything that costs processor time lies behind this port: gathering,
 * compressing, sealing.
 */
export interface SealingPipeline {
  /** Takes the chunk over; resolves when there is room for the next one. */
  add(chunk: ChunkToSeal): Promise<void>;
  /** Everything added is durable in the vault's store. */
  finish(): Promise<void>;
}
