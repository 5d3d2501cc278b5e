/** What the server reads of bytes and texts that others send or keep. */
import { isHoldfastError } from '@holdfast/core/errors';
import { decodeGlobalId, encodeGlobalId, systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import {
  BackupType,
  ConnectRequest,
  HasChunksRequest,
  NoticeKind,
  PackKind,
  ReadChunksRequest,
  UploadPackRequest,
} from '@holdfast/proto/v1';
import { describe, expect, it } from 'vitest';
import { type Decoder, fuzz } from '../../test/kit/fuzz.js';
import { formatEnrollmentToken, parseEnrollmentToken } from './features/agents/domain/enrollment-token.js';
import { decodeFromAgent } from './features/agents/grpc/decode-from-agent.js';
import { fromJobFinished, fromJobProgress, fromSourceChecked, fromWireRef } from './features/jobs/grpc/job-messages.js';
import { decodeBrowseCursor, encodeBrowseCursor } from './features/recovery-points/browse/browse-cursor.js';
import { fromPayload, toPayload } from './features/restores/domain/restore-payload.js';
import { ENTRIES_DECODER } from './gateway/chunk-index/damaged-entries.fixture.js';
import { decodeUpload } from './gateway/grpc/decode-upload.js';
import { readJob, readPackKind } from './gateway/grpc/wire.js';
import { readBearer, readSessionCookie } from './platform/http/cookies.js';
import { parseListenAddress } from './platform/listen-address.js';
import { decodeCursor, encodeCursor } from './platform/page.js';
import { openPrivateKey, sealPrivateKey } from './platform/pki/sealed-key.js';

class RefusedError extends Error {}

const id = systemRandom.bytes(16);
const uuid = uuidFromBytes(id);
const job = { jobId: id, epoch: 3n };
const text = (bytes: Buffer): string => bytes.toString('utf8');
const ofKind =
  (...kinds: readonly Parameters<typeof isHoldfastError>[1][]) =>
  (error: unknown): boolean =>
    error instanceof RefusedError || kinds.some((kind) => isHoldfastError(error, kind));
const invalid = ofKind('Validation');
/** Bytes that are no message end the call: the generated reader throws plain errors, and a mistake of ours another kind. */
const noMessage = (error: unknown): boolean =>
  invalid(error) || error instanceof RangeError || (error as Error).constructor === Error;

const counters = {
  entries: 1n,
  files: 1n,
  bytesTotal: 1n,
  bytesRead: 1n,
  bytesChanged: 1n,
  bytesSent: 1n,
  bytesStored: 1n,
  bytesWritten: 1n,
  warnings: 1n,
  entriesSkipped: 1n,
};
const notice = { path: Buffer.from('/srv/a'), kind: NoticeKind.NOTICE_KIND_UNREADABLE, message: 'permission denied' };
const backup = { pointId: id, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0), typeReason: 'asked' };
const fromAgent: readonly NonNullable<ConnectRequest['message']>[] = [
  { $case: 'jobProgress', value: { job, phase: 1, counters, expectedBytes: 5n, expectedEntries: 6n, waitingFor: 'w' } },
  {
    $case: 'jobFinished',
    value: {
      job,
      counters,
      notices: [notice],
      noticesTotal: 1n,
      source: { troubles: [notice] },
      outcome: { $case: 'backup', value: backup },
    },
  },
  { $case: 'sourceChecked', value: { checkId: id, check: { troubles: [notice] } } },
];

/** Every message of an agent on its control stream, as far as it is read before anything is done. */
function readFromAgent(bytes: Buffer): unknown {
  const { message } = decodeFromAgent(bytes);
  switch (message?.$case) {
    case 'jobProgress':
      return [fromWireRef(message.value.job), fromJobProgress(message.value)];
    case 'jobFinished':
      return [fromWireRef(message.value.job), fromJobFinished(message.value)];
    case 'sourceChecked':
      return fromSourceChecked(message.value);
    default:
      return message;
  }
}

const masterKey = systemRandom.bytes(32);
const context = Buffer.from('ca');
const plan = {
  targetPath: Buffer.from('/t'),
  base: Buffer.from('/'),
  select: [Buffer.from('/a')],
  onConflict: 'FAIL' as const,
};
const upload = (part: UploadPackRequest['part']): Uint8Array => UploadPackRequest.encode({ part }).finish();

const decoders: readonly Decoder[] = [
  {
    name: 'messages of an agent',
    samples: fromAgent.map((message) => ConnectRequest.encode({ message }).finish()),
    decode: readFromAgent,
    refuses: noMessage,
  },
  {
    name: 'decodeUpload',
    samples: [
      upload({ $case: 'header', value: { sessionId: id, packId: id, kind: PackKind.PACK_KIND_DATA, again: false } }),
      upload({ $case: 'frame', value: { data: Buffer.alloc(300, 7), last: true } }),
      upload({ $case: 'footer', value: { data: Buffer.alloc(30, 7), last: false } }),
    ],
    decode: (bytes) => {
      const { part } = decodeUpload(bytes);
      return part?.$case === 'header' ? [uuidFromBytes(part.value.packId), readPackKind(part.value.kind)] : part;
    },
    refuses: noMessage,
  },
  {
    name: 'questions',
    samples: [
      HasChunksRequest.encode({ sessionId: id, claims: Buffer.alloc(64) }).finish(),
      ReadChunksRequest.encode({
        sessionId: id,
        chunkIds: Buffer.alloc(64),
        pieceBytes: 0,
        avoidPacks: [id, id],
        held: { packId: id, frame: Buffer.alloc(90), bytes: 1_000 },
      }).finish(),
    ],
    decode: (bytes) => [HasChunksRequest.decode(bytes), ReadChunksRequest.decode(bytes).avoidPacks.map(uuidFromBytes)],
    refuses: noMessage,
  },
  {
    name: 'readJob',
    samples: [ConnectRequest.encode({ message: { $case: 'jobAccepted', value: { job } } }).finish()],
    decode: (bytes) => {
      const { message } = ConnectRequest.decode(bytes);
      return message?.$case === 'jobAccepted' ? readJob(message.value.job) : message;
    },
    refuses: noMessage,
  },
  {
    name: 'decodeGlobalId',
    samples: [Buffer.from(encodeGlobalId('Vault', uuid))],
    decode: (bytes) => decodeGlobalId(text(bytes)),
    refuses: invalid,
  },
  {
    name: 'decodeCursor',
    samples: [Buffer.from(encodeCursor({ key: 1_800_000_000_000, id: uuid }))],
    decode: (bytes) => decodeCursor(text(bytes)),
    refuses: invalid,
  },
  {
    name: 'decodeBrowseCursor',
    samples: [Buffer.from(encodeBrowseCursor(Buffer.from('name')))],
    decode: (bytes) => decodeBrowseCursor(text(bytes)),
    refuses: invalid,
  },
  {
    name: 'parseEnrollmentToken',
    samples: [Buffer.from(formatEnrollmentToken(Buffer.alloc(32, 1), Buffer.alloc(32, 2)))],
    decode: (bytes) => parseEnrollmentToken(text(bytes)),
    refuses: ofKind('Unauthenticated'),
  },
  {
    name: 'openPrivateKey',
    samples: [sealPrivateKey(masterKey, context, Buffer.from('a key'), systemRandom)],
    decode: (sealed) => openPrivateKey(masterKey, context, sealed),
    refuses: ofKind('WrongKey'),
  },
  {
    name: 'fromPayload',
    samples: [Buffer.from(JSON.stringify(toPayload(plan)))],
    decode: (bytes) => fromPayload(parsedJson(bytes)),
    refuses: ofKind('Internal'),
  },
  {
    name: 'readSessionCookie',
    samples: [Buffer.from('a=b; __Host-holdfast=token; c=d')],
    decode: (bytes) => readSessionCookie(true, text(bytes)) ?? refused(),
    refuses: invalid,
  },
  {
    name: 'readBearer',
    samples: [Buffer.from('Bearer a-token_of-43')],
    decode: (bytes) => readBearer(text(bytes)) ?? refused(),
    refuses: invalid,
  },
  {
    name: 'parseListenAddress',
    samples: [Buffer.from('127.0.0.1:8400'), Buffer.from('[::1]:8400')],
    decode: (bytes) => parseListenAddress('--http', text(bytes)),
    refuses: invalid,
  },
];

function refused(): never {
  throw new RefusedError('refused');
}

function parsedJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(text(bytes));
  } catch {
    return refused();
  }
}

/** More of both for a long run of these alone. */
const rounds = Number(process.env.HOLDFAST_FUZZ_ROUNDS ?? 300);
const seed = process.env.HOLDFAST_TEST_SEED ?? 'every test run';

describe('a decoder of the server', () => {
  it.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
    '%s answers whatever it is given with a value or a refusal',
    (_, decoder) => fuzz(decoder, seed, rounds),
  );
});

describe('a file of entries', () => {
  // Each time is a process that starts and waits for the disk.
  it('with whatever damage is made anew as far as that goes, and never leads to a wrong copy', () =>
    fuzz(ENTRIES_DECODER, seed, Math.ceil(rounds / 5)));
});

describe('a message of an agent', () => {
  const MIB = 1 << 20;
  const field = (number: number, content: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([number * 8 + 2]), varint(content.length), content]);
  const empties = (number: number, bytes: number): Buffer => Buffer.alloc(bytes, Buffer.of(number * 8 + 2, 0));

  it.each([
    ['notices', field(5, empties(3, 9 * MIB))],
    ['troubles', field(5, field(9, empties(1, 9 * MIB)))],
    ['jobs that run', field(1, empties(3, 9 * MIB))],
    ['capabilities', field(1, empties(2, 9 * MIB))],
    ['answers to one question', field(6, empties(2, 9 * MIB))],
  ])('of millions of empty %s is refused before anything is made of it', (_, bytes) => {
    const before = process.memoryUsage().heapUsed;
    const started = process.cpuUsage();
    expect(() => decodeFromAgent(bytes)).toThrowError('more than it may');
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(2_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * MIB);
  });

  it('may have as many notices as an agent keeps, in any order of its fields', () => {
    const value = {
      job,
      counters,
      notices: Array<typeof notice>(1_000).fill(notice),
      noticesTotal: 5_000n,
      source: { troubles: [notice] },
      outcome: { $case: 'backup' as const, value: backup },
    };
    const message = { $case: 'jobFinished' as const, value };
    expect(decodeFromAgent(Buffer.from(ConnectRequest.encode({ message }).finish()))).toEqual({ message });
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
