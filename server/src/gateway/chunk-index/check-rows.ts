import { crc32 } from 'node:zlib';
import type { EntryStatements } from './entry-statements.js';

/** What of a piece's row never changes. */
export interface PieceFacts {
  readonly run: number;
  readonly slot: number;
  readonly entries: number;
  readonly low: number;
  readonly high: number;
}

export function checkOfRow({ run, slot, entries, low, high }: PieceFacts): number {
  return crc32(`${run} ${slot} ${entries} ${low} ${high}`);
}

/**
 * Whether the rows say what was written: each piece by its checksum, runs that merge by a second number, and what
 * changes in pieces by the sum, as every copy that was sorted stands in one run.
 */
export function areSound(sql: EntryStatements, pieceEntries: number, slots: number): boolean {
  const runs = new Set<unknown>();
  const targets: number[] = [];
  for (const [number, mergesInto, check] of sql.allRuns.iterate()) {
    if (!isCount(number)) return false;
    runs.add(number);
    if (mergesInto === null && check === null) continue;
    if (!isCount(mergesInto) || check !== -1 - mergesInto || mergesInto <= number) return false;
    targets.push(mergesInto);
  }
  if (!targets.every((each) => runs.has(each))) return false;
  const used = new Set<number>();
  let entriesInAll = 0;
  for (const [run, slot, entries, low, high, skip, check] of sql.allPieces.iterate()) {
    if (!isCount(run) || !isCount(slot) || !isCount(entries) || !isCount(low) || !isCount(high) || !isCount(skip))
      return false;
    if (checkOfRow({ run, slot, entries, low, high }) !== check) return false;
    if (!runs.has(run) || used.has(slot) || slot >= slots || entries > pieceEntries || skip >= entries) return false;
    used.add(slot);
    entriesInAll += entries - skip;
  }
  return entriesInAll === sql.nextToSort.get();
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
