import { credentials, type ServerWritableStream } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import {
  DataServiceClient,
  DataServiceService,
  type ReadChunksRequest,
  type ReadChunksResponse,
} from '@holdfast/proto/v1';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CERTIFICATE_DOOR, DATA_CALLS } from '../../platform/grpc/connection-limits.js';
import { createGrpcServer } from '../../platform/grpc/grpc-server.js';
import { createAuthority, generateAuthority } from '../../platform/pki/certificate-authority.js';
import { rotateIdentity } from '../../platform/pki/rotating-identity.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { type StreamedMessage, serveStream } from './serve-stream.js';

const STALL_MS = 500;
const PIECE_BYTES = 64 * 1024;
const PIECES = 256;
const log = pino({ level: 'silent' });
const ports = { clock: systemClock, timers: systemClock, random: systemRandom, log };

type Call = ServerWritableStream<ReadChunksRequest, ReadChunksResponse>;

let calls: Call[];
let place: AbortController;
let client: DataServiceClient;
const cleanUp: (() => unknown)[] = [];

function othersWait(): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code: 'PLACE_GIVEN_UP', message: 'Others wait.' });
}

/** Says that there is more than was sent, so that the end of the stream is not its own doing. */
async function* pieces(): AsyncGenerator<StreamedMessage<ReadChunksResponse>> {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let sent = 0; sent < PIECES; sent++)
    yield { message: { part: { $case: 'piece', value: piece } }, bytes: piece.length, over: place.signal };
  throw othersWait();
}

beforeEach(async () => {
  calls = [];
  place = new AbortController();
  const authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
  const identity = await rotateIdentity(authority, { hosts: ['localhost'] }, ports);
  const serve = serveStream({ timers: systemClock, limits: { ...GATEWAY_LIMITS, stallMs: STALL_MS }, log }, pieces);
  const server = createGrpcServer({
    identity,
    clientCertificates: true,
    services: [
      {
        definition: { readChunks: DataServiceService.readChunks },
        handlers: {
          readChunks(call: Call) {
            calls.push(call);
            serve(call);
          },
        },
        name: 'holdfast.v1.DataService',
      },
    ],
    limits: {
      maxMessageBytes: 1_024,
      maxConcurrentCalls: 8,
      resets: { burst: 100, perSecond: 10 },
      connections: CERTIFICATE_DOOR,
      calls: DATA_CALLS,
    },
    ...ports,
  });
  const address = await server.listen('127.0.0.1', 0);
  const agent = await authority.issue({ identity: { role: 'agent', id: uuidFromBytes(systemRandom.bytes(16)) } });
  const secure = credentials.createSsl(
    Buffer.from(authority.certificate),
    Buffer.from(agent.key),
    Buffer.from(agent.certificateChain),
  );
  client = new DataServiceClient(address, secure, { 'grpc.ssl_target_name_override': 'localhost' });
  cleanUp.push(
    () => client.close(),
    () => server.close(0),
    () => identity.stop(),
  );
});
afterEach(async () => {
  for (const each of cleanUp.splice(0)) await each();
});

function read() {
  return client.readChunks({
    sessionId: Buffer.alloc(0),
    chunkIds: Buffer.alloc(0),
    avoidPacks: [],
    pieceBytes: 0,
    held: undefined,
  });
}

describe('a stream', () => {
  it('that its peer does not take loses its connection, and nothing of it stays in memory', async () => {
    // Takes a few messages, and then none.
    const stream = read().on('readable', () => undefined);
    stream.on('error', () => undefined);
    await expect.poll(() => calls.length).toBe(1);
    const [call] = calls as [Call];
    await expect.poll(() => call.writableEnded, { timeout: 10 * STALL_MS }).toBe(true);
    await expect.poll(() => call.closed, { timeout: 10 * STALL_MS }).toBe(true);
  });

  it('that its peer takes in drops is no better', async () => {
    const stream = read().on('readable', () => undefined);
    stream.on('error', () => undefined);
    const drops = setInterval(() => void stream.read(), STALL_MS / 2);
    cleanUp.push(() => clearInterval(drops));
    await expect.poll(() => calls.length).toBe(1);
    const [call] = calls as [Call];
    await systemClock.sleep(STALL_MS);
    place.abort(othersWait());
    await expect.poll(() => call.closed, { timeout: 20 * STALL_MS }).toBe(true);
  });

  it('is taken to its end by one who takes it slowly', async () => {
    let taken = 0;
    const failure = await (async () => {
      for await (const { part } of read() as AsyncIterable<ReadChunksResponse>) {
        if (part?.$case === 'piece') taken += 1;
        if (taken % 32 === 0) await systemClock.sleep(STALL_MS / 2);
      }
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ details: 'Others wait.' });
    expect(taken).toBe(PIECES);
  });
});
