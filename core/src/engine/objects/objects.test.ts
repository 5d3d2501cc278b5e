import {
  BackupType,
  Consistency,
  type Descriptor,
  DomainScope,
  KeyMode,
  PackKind,
  type RecoveryPoint,
  Redundancy,
  SlotKind,
} from '@holdfast/proto/vault';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../errors/index.js';
import { seededRandom } from '../../ids/index.js';
import { FrameSealer } from '../frames/seal-frame.js';
import { PackBuilder } from '../packs/pack-builder.js';
import { createDomain } from '../sealing/domains.js';
import { wrapVaultKey } from '../sealing/key-slots.js';
import { createSessionKey } from '../sealing/session-keys.js';
import { createSigner } from '../sealing/signing.js';
import { MemoryStore } from '../stores/memory-store.js';
import { encodeDescriptor, isWritable, openDescriptor, readLatestDescriptor } from './descriptor.js';
import { decodeDomain, encodeDomain, encodeDomainObject, openDomainObject } from './domain-object.js';
import type { NamedObject } from './named-object.js';
import { descriptorName, indexName, logName, packName, parseObjectName } from './object-names.js';
import { encodePackIndex, openPackIndex } from './pack-index.js';
import { encodePoint, openPoint, peekPoint, pointSha256 } from './recovery-point.js';
import { EMPTY_LOG, encodeLogEntry, type LogEvent, LogReader } from './vault-log.js';

const random = seededRandom('objects');
const vaultId = random.bytes(16);
const signer = createSigner(random.bytes(32));
const stranger = createSigner(random.bytes(32));
const vaultKey = random.bytes(32);
const { domain } = await createDomain(
  { vaultId, vaultKey, domainId: random.bytes(16), scope: DomainScope.DOMAIN_SCOPE_ITEM, itemId: random.bytes(16) },
  random,
);
const INTEGRITY: unknown = expect.objectContaining({ kind: 'Integrity' });
const VALIDATION: unknown = expect.objectContaining({ kind: 'Validation' });

/** Flips every bit (or each `stride`th) and cuts at every length. */
function everyFlip(object: NamedObject, open: (object: NamedObject) => unknown, stride = 1): void {
  const accepted: string[] = [];
  const expectRefusal = (what: string, bytes: Buffer): void => {
    try {
      open({ name: object.name, bytes });
      accepted.push(what);
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity')) accepted.push(`${what}: ${String(error)}`);
    }
  };
  for (let bit = 0; bit < object.bytes.length * 8; bit += stride) {
    const bytes = Buffer.from(object.bytes);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expectRefusal(`bit ${bit}`, bytes);
  }
  for (let length = 0; length < object.bytes.length; length++)
    expectRefusal(`length ${length}`, object.bytes.subarray(0, length));
  expect(accepted).toEqual([]);
}

function descriptorOf(change: Partial<Descriptor> = {}): Descriptor {
  const slot = wrapVaultKey(
    { vaultId, kind: SlotKind.SLOT_KIND_PLATFORM, secret: Buffer.alloc(32), vaultKey, createdAtMs: 1 },
    seededRandom('slot'),
  );
  return {
    formatVersion: 1,
    compatibleFeatures: 0n,
    readOnlyCompatibleFeatures: 0n,
    incompatibleFeatures: 0n,
    vaultId,
    generation: 1n,
    vaultName: 'vault',
    keyMode: KeyMode.KEY_MODE_PLATFORM,
    redundancy: Redundancy.REDUNDANCY_LRS,
    signingPublicKey: signer.publicKey,
    slots: [slot],
    vaultDomain: undefined,
    createdAtMs: 1n,
    ...change,
  };
}

function pointOf(change: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    vaultId,
    pointId: Buffer.alloc(16, 1),
    itemId: Buffer.alloc(16, 2),
    sequence: 1n,
    previousSha256: Buffer.alloc(0),
    backupType: BackupType.BACKUP_TYPE_FULL,
    committedAtMs: 1_800_000_000_000n,
    requires: [],
    rootNode: Buffer.alloc(32, 3),
    domainId: domain.domainId,
    consistency: Consistency.CONSISTENCY_CRASH,
    basePointId: Buffer.alloc(0),
    agentId: Buffer.alloc(16, 4),
    jobId: Buffer.alloc(16, 5),
    statistics: {
      entries: 1n,
      files: 1n,
      bytesTotal: 1n,
      bytesRead: 1n,
      bytesChanged: 1n,
      bytesSent: 1n,
      bytesStored: 1n,
      warnings: 0n,
    },
    workload: 'FILES',
    ...change,
  };
}

describe('object names', () => {
  it('list in the order of their numbers, and are read back', () => {
    const names = [1n, 9n, 10n, 99n, 100n, 9_999_999_999_999_999n].map(indexName);
    expect(names.toSorted()).toEqual(names);
    expect(parseObjectName(logName(12n))).toEqual({ folder: 'log', number: 12n });
    expect(parseObjectName(packName(vaultId))).toEqual({ folder: 'pack', id: vaultId });
    for (const strange of ['pack/xyz', 'log/1', 'other/0000000000000001', 'pack/', `${packName(vaultId)}.bak`])
      expect(parseObjectName(strange)).toBeUndefined();
    for (const bad of [0n, -1n, 10n ** 16n]) expect(() => descriptorName(bad)).toThrowError(VALIDATION);
    expect(() => packName(Buffer.alloc(15))).toThrowError(VALIDATION);
  });
});

describe('a descriptor', () => {
  it('is read back, and vouches for the next with its key', async () => {
    const first = encodeDescriptor(signer, descriptorOf());
    const second = encodeDescriptor(signer, descriptorOf({ generation: 2n, vaultName: 'renamed' }));
    const store = new MemoryStore();
    for (const { name, bytes } of [second, first]) await store.put(name, bytes, { ifAbsent: true });
    expect(openDescriptor(first)).toEqual(descriptorOf());
    expect((await readLatestDescriptor(store, signer.publicKey)).vaultName).toBe('renamed');
    await expect(readLatestDescriptor(store, stranger.publicKey)).rejects.toEqual(INTEGRITY);
    await expect(readLatestDescriptor(new MemoryStore())).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('damaged anywhere is refused', () => {
    everyFlip(encodeDescriptor(signer, descriptorOf()), (object) => openDescriptor(object, signer.publicKey));
    everyFlip(encodeDescriptor(signer, descriptorOf()), (object) => openDescriptor(object), 7);
  });

  it('of a newer format is refused, or only read, as its feature bits say', () => {
    const newer = encodeDescriptor(signer, descriptorOf({ incompatibleFeatures: 1n }));
    expect(() => openDescriptor(newer)).toThrowError(
      expect.objectContaining({ kind: 'IllegalState', code: 'VAULT_TOO_NEW' }),
    );
    expect(isWritable(openDescriptor(encodeDescriptor(signer, descriptorOf({ readOnlyCompatibleFeatures: 4n }))))).toBe(
      false,
    );
    expect(isWritable(openDescriptor(encodeDescriptor(signer, descriptorOf({ compatibleFeatures: 4n }))))).toBe(true);
  });

  it('is not written when it breaks the format', () => {
    for (const change of [
      { formatVersion: 2 },
      { vaultId: Buffer.alloc(1) },
      { generation: 0n },
      { vaultName: '' },
      { keyMode: 0 },
      { redundancy: 9 },
      { slots: [] },
      { signingPublicKey: Buffer.alloc(3) },
    ]) {
      expect(() => encodeDescriptor(signer, descriptorOf(change))).toThrowError(VALIDATION);
    }
  });
});

describe('a domain object', () => {
  it('is read back by its signature, and refused damaged or misplaced', () => {
    const object = encodeDomainObject(signer, domain);
    expect(openDomainObject(signer.publicKey, object)).toEqual(domain);
    expect(decodeDomain(encodeDomain(domain))).toEqual(domain);
    everyFlip(object, (each) => openDomainObject(signer.publicKey, each));
    expect(() => openDomainObject(stranger.publicKey, object)).toThrowError(INTEGRITY);
    expect(() =>
      openDomainObject(signer.publicKey, { ...object, name: 'domain/00000000000000000000000000000000' }),
    ).toThrowError(INTEGRITY);
  });
});

describe('a recovery point', () => {
  it('is read back by its signature, and refused damaged', () => {
    const object = encodePoint(signer, pointOf());
    expect(openPoint(signer.publicKey, object)).toEqual(pointOf());
    expect(peekPoint(object)).toEqual(pointOf());
    everyFlip(object, (each) => openPoint(signer.publicKey, each));
    expect(() => openPoint(stranger.publicKey, object)).toThrowError(INTEGRITY);
  });

  it('names the point before it', () => {
    const first = encodePoint(signer, pointOf());
    const next = pointOf({
      pointId: Buffer.alloc(16, 9),
      sequence: 2n,
      previousSha256: pointSha256(first),
      backupType: BackupType.BACKUP_TYPE_INCREMENTAL,
      basePointId: Buffer.alloc(16, 1),
    });
    expect(openPoint(signer.publicKey, encodePoint(signer, next)).previousSha256.equals(pointSha256(first))).toBe(true);
  });

  it('is not written when it breaks the format', () => {
    const changes: Partial<RecoveryPoint>[] = [
      { sequence: 0n },
      { sequence: 2n },
      { previousSha256: Buffer.alloc(32) },
      { rootNode: Buffer.alloc(31) },
      { backupType: 0 },
      { backupType: BackupType.BACKUP_TYPE_INCREMENTAL },
      { basePointId: Buffer.alloc(16) },
      { consistency: 0 },
      { requires: [Buffer.alloc(3)] },
      { workload: '' },
      { statistics: undefined },
    ];
    for (const change of changes) expect(() => encodePoint(signer, pointOf(change))).toThrowError(VALIDATION);
  });
});

describe('the log', () => {
  const events: LogEvent[] = [
    { $case: 'ownerTaken', value: { serverId: Buffer.alloc(16, 1) } },
    { $case: 'slotsChanged', value: { descriptorGeneration: 2n } },
    { $case: 'pointDeleted', value: { pointId: Buffer.alloc(16, 2) } },
    { $case: 'packsDeleted', value: { packIds: [Buffer.alloc(16, 3), Buffer.alloc(16, 4)] } },
  ];

  function write(list: readonly LogEvent[], by = signer): NamedObject[] {
    const reader = new LogReader(by.publicKey, vaultId);
    return list.map((event) => {
      const object = encodeLogEntry(by, vaultId, reader.head, event, 5);
      reader.next(object);
      return object;
    });
  }

  it('is read from its start, or from where one left off', () => {
    const objects = write(events);
    const reader = new LogReader(signer.publicKey, vaultId);
    expect(objects.map((object) => reader.next(object).event)).toEqual(events);
    expect(reader.head.number).toBe(4n);
    const half = new LogReader(signer.publicKey, vaultId);
    for (const object of objects.slice(0, 2)) half.next(object);
    const rest = new LogReader(signer.publicKey, vaultId, half.head);
    expect(rest.next(objects[2] as NamedObject).number).toBe(3n);
  });

  it('with an entry left out, exchanged, repeated, foreign or damaged is refused', () => {
    const [a, b, c] = write(events) as [NamedObject, NamedObject, NamedObject, NamedObject];
    const [, other] = write([events[1], events[0]] as LogEvent[]) as [NamedObject, NamedObject];
    const [foreign] = write(events, stranger) as [NamedObject];
    for (const order of [[b], [a, c], [a, a], [a, other], [foreign], [a, { name: logName(3n), bytes: b.bytes }]]) {
      const reader = new LogReader(signer.publicKey, vaultId);
      expect(() => order.forEach((object) => void reader.next(object))).toThrowError(INTEGRITY);
    }
    expect(() => new LogReader(signer.publicKey, Buffer.alloc(16)).next(a)).toThrowError(INTEGRITY);
    everyFlip(a, (object) => new LogReader(signer.publicKey, vaultId).next(object));
  });

  it('takes no entry that breaks the format', () => {
    const bad: LogEvent[] = [
      { $case: 'ownerTaken', value: { serverId: Buffer.alloc(3) } },
      { $case: 'slotsChanged', value: { descriptorGeneration: 0n } },
      { $case: 'packsDeleted', value: { packIds: [] } },
    ];
    for (const event of bad)
      expect(() => encodeLogEntry(signer, vaultId, EMPTY_LOG, event, 1)).toThrowError(VALIDATION);
  });
});

describe('an index', async () => {
  const { sessionKey, wrapped } = await createSessionKey(
    domain.publicKey,
    { vaultId, domainId: domain.domainId },
    random,
  );
  const sealer = new FrameSealer({
    context: { vaultId, domainId: domain.domainId, kind: PackKind.PACK_KIND_DATA },
    sessionKey,
    padded: false,
  });
  const builder = new PackBuilder({
    vaultId,
    packId: random.bytes(16),
    kind: PackKind.PACK_KIND_DATA,
    domainId: domain.domainId,
    sessionKey: wrapped,
    uploaderId: random.bytes(16),
  });
  builder.add(sealer.seal({ plaintext: Buffer.from('x'), chunks: [{ id: Buffer.alloc(32), length: 1 }] }));
  const { footer } = builder.finish();

  it('gives back the footers, and damaged anywhere is refused', () => {
    const object = encodePackIndex(vaultId, 3n, [footer, { ...footer, packId: Buffer.alloc(16, 1) }]);
    expect(openPackIndex(object).footers.map((each) => each.packId)).toEqual([footer.packId, Buffer.alloc(16, 1)]);
    everyFlip(object, openPackIndex);
    expect(() => openPackIndex({ ...object, name: indexName(4n) })).toThrowError(INTEGRITY);
  });

  it('is not written empty, or with packs of another vault', () => {
    expect(() => encodePackIndex(vaultId, 1n, [])).toThrowError(VALIDATION);
    expect(() => encodePackIndex(Buffer.alloc(16), 1n, [footer])).toThrowError(VALIDATION);
  });
});
