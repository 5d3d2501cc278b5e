import type { BackupCommand, BackupType } from '../job.js';

/** A change cache on this host, and what it stands for. */
export interface KnownCache {
  readonly pointId: string;
  readonly generation: string;
  /** Claims are worthless in another domain. Hex. */
  readonly domainId: string;
  /** What the vault knew of damage when it was made. Hex. */
  readonly damage: string;
  /** Name in the item's cache folder. */
  readonly file: string;
}

export interface KnownCaches {
  /** Of the item's last point. */
  readonly last?: KnownCache;
  /** Of its last full one. */
  readonly full?: KnownCache;
}

export interface BasePlan {
  readonly type: BackupType;
  readonly basePointId: string | undefined;
  /** Absent: everything is read. */
  readonly cache: KnownCache | undefined;
  readonly typeReason: string;
}

type Asked = Pick<BackupCommand, 'type' | 'lastPointId' | 'lastFullPointId' | 'cacheGeneration'> & {
  readonly domainId: string;
  readonly damage: string;
};

/**
 * What a backup compares with. No base point: it becomes FULL. A base without a cache that stands for it: the type stays, and everything is read.
 */
export function planBase(asked: Asked, caches: KnownCaches): BasePlan {
  if (asked.type === 'FULL') return { type: 'FULL', basePointId: undefined, cache: undefined, typeReason: '' };
  const basePointId = asked.type === 'DIFFERENTIAL' ? asked.lastFullPointId : asked.lastPointId;
  if (basePointId === undefined) {
    const what = asked.type === 'DIFFERENTIAL' ? 'full recovery point' : 'recovery point';
    return {
      type: 'FULL',
      basePointId: undefined,
      cache: undefined,
      typeReason: `There is no earlier ${what} to compare with.`,
    };
  }
  const known = [caches.last, caches.full].find((cache) => cache?.pointId === basePointId);
  const reason = whyVoid(known, asked);
  if (known !== undefined && reason === undefined)
    return { type: asked.type, basePointId, cache: known, typeReason: '' };
  return { type: asked.type, basePointId, cache: undefined, typeReason: `Everything was read: ${reason}.` };
}

function whyVoid(cache: KnownCache | undefined, asked: Asked): string | undefined {
  if (cache === undefined) return 'this host has no change cache of the base point';
  if (cache.generation !== String(asked.cacheGeneration)) return 'the server has declared the change cache void';
  if (cache.domainId !== asked.domainId) return 'the change cache belongs to another dedup domain';
  if (cache.damage !== asked.damage) return 'stored data was found damaged since, and is sent again where it can be';
  return undefined;
}
