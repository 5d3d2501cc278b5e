import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { addressGroup } from '../../platform/address-group.js';

const WINDOW_MS = 15 * 60_000;
const MAX_PER_ADDRESS = 30;
const MAX_PER_NAME = 10;
/** Beyond this many keys the oldest go: memory stays bounded under a flood from many addresses. */
const MAX_KEYS = 20_000;

/**
 * Counts failed tries of what guesses a secret, per address and per name, in this process's memory. An address from which the name
 * succeeded before is counted by itself: strangers who guess must not lock the name's owner out.
 */
export interface AttemptLimiter {
  /** Throws RateLimited when this address or name has failed too often in the last quarter of an hour. */
  check(address: string | undefined, name: string): void;
  failed(address: string | undefined, name: string): void;
  /** The try that was counted as failed before its check was a good one. */
  succeeded(address: string | undefined, name: string): void;
}

export function createAttemptLimiter(clock: Clock): AttemptLimiter {
  const failures = new Map<string, number[]>();
  const familiar = new Set<string>();

  const groupOf = (address: string | undefined): string => (address === undefined ? '' : addressGroup(address));

  const recent = (key: string): number[] =>
    (failures.get(key) ?? []).filter((at) => at > clock.monotonic() - WINDOW_MS);

  function refuse(times: number[], max: number): void {
    if (times.length < max) return;
    const seconds = Math.ceil(((times[times.length - max] ?? 0) + WINDOW_MS - clock.monotonic()) / 1000);
    throw new HoldfastError({
      kind: 'RateLimited',
      code: 'TOO_MANY_ATTEMPTS',
      message: `Too many failed attempts; try again in ${Math.ceil(seconds / 60)} minutes.`,
      details: { retryAfterSeconds: String(seconds) },
    });
  }

  const pairOf = (address: string | undefined, name: string): string => JSON.stringify([groupOf(address), name]);

  /** What tries under this name from this address are counted by, besides the address. */
  const nameKey = (address: string | undefined, name: string): string => {
    const pair = pairOf(address, name);
    return familiar.has(pair) ? `pair:${pair}` : `name:${name}`;
  };

  function note(key: string, max: number): void {
    const times = [...recent(key), clock.monotonic()].slice(-max);
    failures.delete(key);
    failures.set(key, times);
    while (failures.size > MAX_KEYS) failures.delete(failures.keys().next().value ?? '');
  }

  return {
    check(address, name) {
      refuse(recent(`address:${groupOf(address)}`), MAX_PER_ADDRESS);
      refuse(recent(nameKey(address, name)), MAX_PER_NAME);
    },
    failed(address, name) {
      note(`address:${groupOf(address)}`, MAX_PER_ADDRESS);
      note(nameKey(address, name), MAX_PER_NAME);
    },
    succeeded(address, name) {
      // What others have guessed meanwhile goes on counting against them.
      failures.get(nameKey(address, name))?.pop();
      failures.get(`address:${groupOf(address)}`)?.pop();
      const pair = pairOf(address, name);
      familiar.delete(pair);
      familiar.add(pair);
      while (familiar.size > MAX_KEYS) familiar.delete(familiar.values().next().value ?? '');
    },
  };
}
