import { ChunkHasher, createSessionKey, planChunker } from '@holdfast/core/engine';
import type { Random } from '@holdfast/core/ids';
import { hostCodec } from '../../../platform/native-codec.js';
import type { FileContent, FileRef } from '../../../workloads/files/file-content.js';
import type { PackKindName } from '../../data-transport.js';
import type { DomainKeys } from '../../job.js';
import { PackSealer, type PackSealerOptions } from '../pack-sealer.js';
import { Lane, type LaneHost } from './lane.js';

/** What everything that seals for one backup has in common. Plain values: it crosses to other threads. */
export interface SealingSetup {
  readonly vaultId: Buffer;
  readonly domain: DomainKeys;
  /** 16 bytes. */
  readonly agentId: Buffer;
  readonly maxPackBytes: number;
  readonly padFrames: boolean;
  readonly paranoid: boolean;
}

export interface LaneSetup extends Pick<PackSealerOptions, 'takeBuffer' | 'emit'> {
  readonly host: LaneHost;
  readonly open: (ref: FileRef) => FileContent;
  readonly random: Random;
}

export async function createLane(setup: SealingSetup, ports: LaneSetup): Promise<Lane> {
  const { domain } = setup;
  return new Lane({
    host: ports.host,
    open: ports.open,
    hasher: new ChunkHasher(domain.idKey),
    chunker: planChunker(domain.chunkerKey, domain.chunker),
    sealer: await createSealer('DATA', setup, ports),
  });
}

/** With a session key of its own, which is drawn here and never leaves it. */
export async function createSealer(
  kind: PackKindName,
  setup: SealingSetup,
  ports: Pick<LaneSetup, 'takeBuffer' | 'emit' | 'random'>,
): Promise<PackSealer> {
  const { vaultId, agentId, maxPackBytes, padFrames, paranoid } = setup;
  const { domainId, publicKey, idKey } = setup.domain;
  const { random, takeBuffer, emit } = ports;
  const key = await createSessionKey(publicKey, { vaultId, domainId }, random);
  const hasher = new ChunkHasher(idKey);
  return new PackSealer({
    kind,
    vaultId,
    domainId,
    uploaderId: agentId,
    key,
    maxPackBytes,
    padded: padFrames,
    paranoid,
    hasher,
    codec: hostCodec(),
    random,
    takeBuffer,
    emit,
  });
}
