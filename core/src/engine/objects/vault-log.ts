/**
 * The log says what may not be forgotten when a catalog is lost or old: who owns the vault, which
 * descriptor holds, which points and packs were deleted. Entries are numbered from 1 without gaps,
 * created if absent, and each names the hash of the one before, so none can be left out or exchanged.
 */
import { LogEntry } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { MAX_SMALL_OBJECT_BYTES, UUID_BYTES } from '../format/limits.js';
import { openSignedObject, SignedKind, type Signer, signObject } from '../sealing/signing.js';
import { type NamedObject, orUnstorable } from './named-object.js';
import { logName } from './object-names.js';

export const MAX_PACKS_PER_LOG_ENTRY = 100_000;

/** Of a LogEntry: packs_deleted (8), and in it pack_ids (1). */
const SHAPE = { 8: { inside: { 1: { most: MAX_PACKS_PER_LOG_ENTRY } } } };

export type LogEvent = NonNullable<LogEntry['event']>;

/** The last entry of a log, as far as one has read it. */
export interface LogHead {
  /** 0 before the first entry. */
  readonly number: bigint;
  /** SHA-256 of the entry's object; empty before the first. */
  readonly sha256: Buffer;
}

export const EMPTY_LOG: LogHead = { number: 0n, sha256: Buffer.alloc(0) };

/** The entry that follows `head`. Store it with `ifAbsent`; when it is not created, someone else wrote, and the log must be read again. */
export function encodeLogEntry(
  signer: Signer,
  vaultId: Uint8Array,
  head: LogHead,
  event: LogEvent,
  atMs: number,
): NamedObject {
  const entry: LogEntry = {
    vaultId: Buffer.from(vaultId),
    number: head.number + 1n,
    previousSha256: head.sha256,
    atMs: BigInt(atMs),
    event,
  };
  orUnstorable(() => checkEntry(entry));
  const name = logName(entry.number);
  return { name, bytes: signObject(signer, SignedKind.Log, name, encodeMessage(LogEntry, entry)) };
}

/** Follows a vault's log from the head it is given. */
export class LogReader {
  constructor(
    private readonly publicKey: Uint8Array,
    private readonly vaultId: Uint8Array,
    private at: LogHead = EMPTY_LOG,
  ) {}

  get head(): LogHead {
    return this.at;
  }

  /** Takes the next entry. Throws Integrity unless it is signed, of this vault, and follows the head. */
  next(object: NamedObject): LogEntry {
    const payload = openSignedObject(this.publicKey, SignedKind.Log, object.name, object.bytes);
    const entry = decodeMessage(LogEntry, payload, object.name, MAX_SMALL_OBJECT_BYTES, SHAPE);
    checkEntry(entry);
    const follows =
      entry.number === this.at.number + 1n &&
      entry.previousSha256.equals(this.at.sha256) &&
      logName(entry.number) === object.name;
    if (!follows || !entry.vaultId.equals(this.vaultId)) {
      throw damaged('LOG_CHAIN', `${object.name} does not follow the entry before it.`, { object: object.name });
    }
    this.at = { number: entry.number, sha256: sha256(object.bytes) };
    return entry;
  }
}

function checkEntry(entry: LogEntry): void {
  if (entry.vaultId.length !== UUID_BYTES) throw malformed("its vault's id has a wrong length");
  if (entry.number < 1n) throw malformed('it has no number');
  if (entry.previousSha256.length !== (entry.number === 1n ? 0 : 32))
    throw malformed('its hash of the entry before is missing or too much');
  checkEvent(entry.event);
}

function checkEvent(event: LogEntry['event']): void {
  switch (event?.$case) {
    case 'ownerTaken':
      expectIds([event.value.serverId]);
      return;
    case 'pointDeleted':
      expectIds([event.value.pointId]);
      return;
    case 'packsDeleted':
      if (event.value.packIds.length === 0 || event.value.packIds.length > MAX_PACKS_PER_LOG_ENTRY)
        throw malformed('its number of packs is out of bounds');
      expectIds(event.value.packIds);
      return;
    case 'slotsChanged':
      if (event.value.descriptorGeneration < 1n) throw malformed('it names no descriptor');
      return;
    default:
      throw malformed('it has no event that this version knows');
  }
}

function expectIds(ids: readonly Uint8Array[]): void {
  if (ids.some((id) => id.length !== UUID_BYTES)) throw malformed('an id has a wrong length');
}

function malformed(why: string) {
  return damaged('MALFORMED_LOG', `A log entry breaks the format: ${why}.`);
}
