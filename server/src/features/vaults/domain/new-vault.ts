import type { Vault } from './vault.js';

/** How long a vault may stay in the making before a new attempt under its name sets it aside. */
const CREATION_MS = 2 * 60_000;

export type NameVerdict = 'free' | 'taken' | 'in-the-making' | 'abandoned';

/** What the vault that already has the name means for a new one. Nobody was ever shown the kit of one that is CREATING. */
export function judgeName(holder: Pick<Vault, 'state' | 'createdAt'> | undefined, now: number): NameVerdict {
  if (!holder) return 'free';
  if (holder.state === 'READY') return 'taken';
  return now - holder.createdAt < CREATION_MS ? 'in-the-making' : 'abandoned';
}

/** The vault's own place below its zone's store. */
export function vaultStoreUrl(zoneStoreUrl: string, vaultId: string): string {
  return `${zoneStoreUrl.replace(/\/+$/, '')}/${vaultId}`;
}
