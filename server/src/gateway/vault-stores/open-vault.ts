import type { ObjectStore } from '@holdfast/core/engine';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import type { CopyVerification } from '../verification/copy-verification.js';
import type { IndexObjects } from './index-objects.js';
import type { LostPacks } from './lost-packs.js';
import type { MissingPacks } from './missing-packs.js';
import type { SuspectPacks } from './suspect-packs.js';

/** A vault that this gateway serves: its store, its index, and what works on both. */
export interface OpenVault {
  readonly vaultId: string;
  readonly storeUrl: string;
  readonly store: ObjectStore;
  readonly index: ChunkIndex;
  readonly indexObjects: IndexObjects;
  readonly verification: CopyVerification;
  readonly missingPacks: MissingPacks;
  readonly suspectPacks: SuspectPacks;
  readonly lostPacks: LostPacks;
}
