/** What the agent reads of bytes and texts that others send or keep. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHoldfastError } from '@holdfast/core/errors';
import { systemRandom } from '@holdfast/core/ids';
import { BackupType, ConnectResponse, OnConflict, ReadChunksResponse } from '@holdfast/proto/v1';
import { describe, it } from 'vitest';
import { type Decoder, fuzz } from '../../test/kit/fuzz.js';
import { parseEnrollmentToken } from './enrollment/enrollment-token.js';
import { parseServerAddress } from './enrollment/server-address.js';
import { decodeReference, encodeReference, isReference } from './jobs/backup/stored-content.js';
import { fromWireBandwidth } from './session/bandwidth-message.js';
import { decodeRead } from './session/decode-read.js';
import { fromStartBackup, fromStartRestore, fromWireRef } from './session/job-messages.js';
import { decodeRecord, encodeRecord, NO_BYTES, NO_STAMP } from './workloads/files/change-cache-format.js';
import { openChangeCache } from './workloads/files/change-cache-reader.js';
import { ChangeCacheWriter } from './workloads/files/change-cache-writer.js';

class RefusedError extends Error {}

const id = systemRandom.bytes(16);
const key = systemRandom.bytes(32);
const job = { jobId: id, epoch: 3n };
const text = (bytes: Buffer): string => bytes.toString('utf8');
const invalid = (error: unknown): boolean => error instanceof RefusedError || isHoldfastError(error, 'Validation');
/** The generated reader throws plain errors, and a mistake of ours another kind. */
const noMessage = (error: unknown): boolean =>
  invalid(error) || error instanceof RangeError || (error as Error).constructor === Error;

const stamp = { mode: 0o755, uid: 1, gid: 2, size: 5, mtimeNs: 1n, ctimeNs: -2n, ino: 3n, settled: true };
const file = { kind: 'file', name: Buffer.from('file'), stamp, reference: Buffer.alloc(33, 1) } as const;
const folder = { kind: 'enter', name: Buffer.from('folder'), stamp, reference: NO_BYTES } as const;
const end = { kind: 'leave', name: NO_BYTES, stamp: NO_STAMP, reference: Buffer.alloc(33, 2) } as const;

function changeCache(): Buffer {
  return inFile(undefined, (path) => {
    const writer = new ChangeCacheWriter(path, Buffer.from('header'));
    for (const record of [folder, file, end]) writer.add(record);
    writer.commit();
    return readFileSync(path);
  });
}

/** Opens a cache and goes through all of it, as a walk of the same tree does. */
function readChangeCache(bytes: Buffer): unknown {
  return inFile(bytes, (path) => {
    const opened = openChangeCache(path);
    if (opened.status === 'absent') throw new RefusedError(opened.reason);
    const entered = opened.cursor.enterDirectory(folder.name);
    const found = opened.cursor.find(file.name);
    const left = opened.cursor.leaveDirectory();
    const records = left && [...left.records()];
    opened.cursor.close();
    return [opened.header, entered, found, records];
  });
}

function inFile<T>(content: Buffer | undefined, work: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-decoder-'));
  try {
    if (content) writeFileSync(join(folder, 'cache'), content);
    return work(join(folder, 'cache'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const fromServer: readonly NonNullable<ConnectResponse['message']>[] = [
  {
    $case: 'startBackup',
    value: {
      job,
      vaultId: id,
      itemId: id,
      domain: {
        domainId: id,
        kemId: 0x20,
        publicKey: key,
        idKey: key,
        chunkerKey: key,
        chunkMinBytes: 1,
        chunkNormalBytes: 2,
        chunkMaxBytes: 3,
      },
      type: BackupType.BACKUP_TYPE_FULL,
      files: { roots: [Buffer.from('/srv')], include: [], exclude: [Buffer.from('*.tmp')], oneFileSystem: true },
      lastPointId: Buffer.alloc(0),
      lastFullPointId: id,
      cacheGeneration: 1n,
      expectedBytes: 1n,
      expectedEntries: 1n,
    },
  },
  {
    $case: 'startRestore',
    value: {
      job,
      vaultId: id,
      itemId: id,
      pointId: id,
      rootNode: key,
      domainId: id,
      idKey: key,
      transportKey: key,
      select: [Buffer.from('/srv/a')],
      targetPath: Buffer.from('/to'),
      base: Buffer.from('/srv'),
      onConflict: OnConflict.ON_CONFLICT_FAIL,
      chunkMaxBytes: 8 << 20,
      pointEntries: 3n,
      expectedBytes: 1n,
      expectedEntries: 1n,
    },
  },
  { $case: 'cancelJob', value: { job } },
  {
    $case: 'bandwidthLimits',
    value: {
      uploadBytesPerSecond: 1_000_000n,
      downloadBytesPerSecond: 0n,
      windows: [
        {
          weekdays: [1, 2],
          fromMinute: 60,
          toMinute: 120,
          timeZone: 'Europe/Berlin',
          uploadBytesPerSecond: 1_000_000n,
          downloadBytesPerSecond: 0n,
        },
      ],
    },
  },
];

/** Every command of the server, as far as it is read before anything is done. */
function readFromServer(bytes: Buffer): unknown {
  const { message } = ConnectResponse.decode(bytes);
  switch (message?.$case) {
    case 'startBackup':
      return fromStartBackup(message.value);
    case 'startRestore':
      return fromStartRestore(message.value);
    case 'cancelJob':
    case 'jobSettled':
      return fromWireRef(message.value.job);
    case 'bandwidthLimits':
      return fromWireBandwidth(message.value);
    default:
      return message;
  }
}

const decoders: readonly Decoder[] = [
  {
    name: 'commands of the server',
    samples: fromServer.map((message) => ConnectResponse.encode({ message }).finish()),
    decode: readFromServer,
    refuses: noMessage,
  },
  {
    name: 'decodeRead',
    samples: [
      { part: { $case: 'piece' as const, value: Buffer.alloc(200, 7) } },
      { part: { $case: 'damaged' as const, value: { chunkIds: Buffer.alloc(64), reason: 'gone' } } },
    ].map((message) => ReadChunksResponse.encode(message).finish()),
    decode: decodeRead,
    refuses: noMessage,
  },
  { name: 'openChangeCache', samples: [changeCache()], decode: readChangeCache, refuses: invalid },
  {
    name: 'decodeRecord',
    samples: [file, folder, end].map(encodeRecord),
    decode: (bytes) => decodeRecord(bytes, 0),
    refuses: (error) => error instanceof RangeError,
  },
  {
    name: 'decodeReference',
    samples: [encodeReference({ kind: 'chunk', id: key, claim: key })],
    decode: (bytes) => (isReference(bytes) ? decodeReference(bytes) : refused()),
    refuses: invalid,
  },
  {
    name: 'parseEnrollmentToken',
    samples: [Buffer.from(`hfe1.${key.toString('base64url')}.${key.toString('base64url')}`)],
    decode: (bytes) => parseEnrollmentToken(text(bytes)),
    refuses: invalid,
  },
  {
    name: 'parseServerAddress',
    samples: [Buffer.from('backup.example:8403'), Buffer.from('[::1]')],
    decode: (bytes) => parseServerAddress(text(bytes), 8403),
    refuses: invalid,
  },
];

function refused(): never {
  throw new RefusedError('refused');
}

/** More of both for a long run of these alone. */
const rounds = Number(process.env.HOLDFAST_FUZZ_ROUNDS ?? 300);
const seed = process.env.HOLDFAST_TEST_SEED ?? 'every test run';

describe('a decoder of the agent', () => {
  it.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
    '%s answers whatever it is given with a value or a refusal',
    (_, decoder) => fuzz(decoder, seed, rounds),
  );
});
