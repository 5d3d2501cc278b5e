import type { ChunkHasher, SessionKeyPair } from '@holdfast/core/engine';
import { createSessionKey, PackKind } from '@holdfast/core/engine';
import type { Random } from '@holdfast/core/ids';
import type { OutgoingPack, PackKindName } from '../data-transport.js';
import type { DomainKeys } from '../job.js';
import { PackSealer } from './pack-sealer.js';
import type { PackUploader } from './pack-uploader.js';
import type { ChunkToSeal, SealingPipeline } from './sealing-pipeline.js';

export interface SealingSetup {
  readonly vaultId: Buffer;
  readonly domain: DomainKeys;
  /** 16 bytes. */
  readonly agentId: Buffer;
  readonly maxPackBytes: number;
}

/** Seals in the calling thread. The session's key is drawn here and never leaves this object. */
export class InlineSealing implements SealingPipeline {
  private readonly sealers: Readonly<Record<PackKindName, PackSealer>>;

  private constructor(
    setup: SealingSetup,
    key: SessionKeyPair,
    hasher: ChunkHasher,
    random: Random,
    private readonly uploader: PackUploader,
  ) {
    const emit = (pack: OutgoingPack): void => uploader.submit(pack);
    const sealer = (kind: PackKindName): PackSealer =>
      new PackSealer({
        kind,
        context: {
          vaultId: setup.vaultId,
          domainId: setup.domain.domainId,
          kind: kind === 'DATA' ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE,
        },
        key,
        uploaderId: setup.agentId,
        maxPackBytes: setup.maxPackBytes,
        hasher,
        random,
        emit,
      });
    this.sealers = { DATA: sealer('DATA'), NODE: sealer('NODE') };
  }

  static async create(
    setup: SealingSetup,
    hasher: ChunkHasher,
    random: Random,
    uploader: PackUploader,
  ): Promise<InlineSealing> {
    const { vaultId, domain } = setup;
    const key = await createSessionKey(domain.publicKey, { vaultId, domainId: domain.domainId }, random);
    return new InlineSealing(setup, key, hasher, random, uploader);
  }

  async add(chunk: ChunkToSeal): Promise<void> {
    this.sealers[chunk.kind].add(chunk);
    await this.uploader.room();
  }

  async finish(): Promise<void> {
    this.sealers.DATA.finish();
    this.sealers.NODE.finish();
    await this.uploader.drain();
  }
}
