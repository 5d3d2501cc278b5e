import { encodeFrameEntry } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import type { VaultStoreRef } from '../coordination/coordination.js';
import { distinctIds } from '../distinct-ids.js';
import type { GatewayLimits } from '../limits.js';
import { isDamage, markSuspect } from './damaged-frames.js';
import { chunksToRead } from './frame-plan.js';
import type { OpenVault } from './open-vault.js';
import { type DamagedChunks, readFrame, readFrames } from './read-frames.js';
import type { VaultRegistry } from './vault-registry.js';

const ID_BYTES = 32;

export type FetchedPart =
  | { readonly kind: 'frame'; readonly pack: Pack; readonly entry: Buffer; readonly bytes: Buffer }
  | DamagedChunks;

export interface FetchPorts {
  readonly vaults: VaultRegistry;
  readonly limits: Pick<GatewayLimits, 'maxChunksPerRead'>;
  readonly log: Log;
}

/** Frames that hold these chunks, for control, which may read all of a vault and has the keys itself. */
export async function* fetchChunks(
  ports: FetchPorts,
  ref: VaultStoreRef,
  chunkIds: Buffer,
  from: { readonly domainId?: string; readonly avoidPacks?: readonly string[] } = {},
): AsyncGenerator<FetchedPart> {
  if (chunkIds.length % ID_BYTES !== 0 || chunkIds.length > ports.limits.maxChunksPerRead * ID_BYTES) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_CHUNK_IDS',
      message: `A read takes up to ${ports.limits.maxChunksPerRead} chunk ids of ${ID_BYTES} bytes.`,
    });
  }
  const vault = await ports.vaults.open(ref);
  const readable = { domainId: from.domainId, avoidPacks: new Set(from.avoidPacks) };
  const chunks = chunksToRead(vault.index, distinctIds(chunkIds).ids, readable);
  yield* readFrames<FetchedPart>(vault, chunks, ports.log, {
    take: ({ pack, frame }, bytes) => framePart(vault, pack, frame, bytes),
  });
}

/**
 * The frames of one pack that begin at these offsets, in their order in the pack; what is damaged is named in its place. Throws NotFound for
 * an unknown pack.
 */
export async function* fetchFrames(
  ports: FetchPorts,
  ref: VaultStoreRef,
  packId: string,
  offsets: readonly number[],
): AsyncGenerator<FetchedPart> {
  const vault = await ports.vaults.open(ref);
  const pack = vault.index.findPack(packId);
  if (pack?.state !== 'stored')
    throw new HoldfastError({ kind: 'NotFound', code: 'PACK_UNKNOWN', message: 'The vault has no such pack.' });
  const wanted = new Set(offsets);
  for (const frame of vault.index.framesOf(pack))
    if (wanted.has(frame.offset)) yield await onePart(vault, pack, frame, ports.log);
}

async function onePart(vault: OpenVault, pack: Pack, frame: StoredFrame, log: Log): Promise<FetchedPart> {
  try {
    return framePart(vault, pack, frame, await readFrame(vault, pack, frame));
  } catch (error) {
    const failure = asHoldfastError(error);
    if (!isDamage(failure)) throw failure;
    await markSuspect(vault, frame, log, failure);
    return { kind: 'damaged', chunkIds: frame.chunkIds, reason: failure.message };
  }
}

function framePart(vault: OpenVault, pack: Pack, frame: StoredFrame, bytes: Buffer): FetchedPart {
  return { kind: 'frame', pack, entry: encodeFrameEntry(vault.index.frameEntry(frame, pack.kind)), bytes };
}
