import 'reflect-metadata';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import { type DataServiceClient, PackKind } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromGrpcError } from '../../platform/grpc/errors.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { GatewayScene, readFrames, readOf } from '../testing/grpc/gateway-scene.fixture.js';
import { type TestPack, Uploader } from '../testing/uploader.fixture.js';

// Agents have their turns, which take what they take.
vi.setConfig({ testTimeout: 120_000 });
const MIB = 1024 * 1024;
const KIB = 1024;
const UPLOAD_TURN_MS = GATEWAY_LIMITS.uploads.turnMs;
const READ_TURN_MS = GATEWAY_LIMITS.reads.turnMs;
const TRICKLE_MS = 250;
/** What a turn may be late by: until the next second, and on a busy machine. */
const LATE_MS = 15_000;

let scene: GatewayScene;
const trickles: NodeJS.Timeout[] = [];
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(async () => {
  for (const trickle of trickles.splice(0)) clearInterval(trickle);
  await scene.stop();
});

type Begun = ReturnType<typeof begin>;

function begin(client: DataServiceClient, sessionId: Buffer, packId = systemRandom.bytes(16), again = false) {
  let from: number | undefined;
  const stream = client.uploadPack((error, answer) => settle({ failure: error && fromGrpcError(error), answer }));
  let settle!: (end: { readonly failure: unknown; readonly answer: unknown }) => void;
  const end = new Promise<{ readonly failure: unknown; readonly answer: unknown }>((resolve) => (settle = resolve));
  let failure: unknown;
  void end.then((ended) => (failure = ended.failure));
  stream.once('metadata', (metadata) => (from = Number(metadata.get('holdfast-received-bytes')[0])));
  const kind = PackKind.PACK_KIND_DATA;
  stream.write({ part: { $case: 'header', value: { sessionId, packId, kind, again } } });
  return {
    stream,
    end,
    from: () => from,
    failure: () => failure,
    piece: (data: Buffer, last = false) => void stream.write({ part: { $case: 'frame', value: { data, last } } }),
  };
}

/** Moves so much a second for as long as it may. */
function trickle(upload: Begun, bytesPerSecond: number): void {
  const data = Buffer.alloc((bytesPerSecond * TRICKLE_MS) / 1000);
  trickles.push(setInterval(() => upload.failure() === undefined && upload.piece(data), TRICKLE_MS));
}

/** As many agents of the vault as there are places, each with one upload that moves more than slow ones do. */
async function takeAllPlaces(count = GATEWAY_LIMITS.uploads.places): Promise<Begun[]> {
  const agents = await Promise.all(Array.from({ length: count }, () => scene.agentWith(1, 'backup')));
  const uploads = agents.map(({ client, sessionIds: [sessionId = Buffer.alloc(0)] }) => begin(client, sessionId));
  await expect.poll(() => uploads.every(({ from }) => from() === 0), { timeout: 60_000 }).toBe(true);
  for (const upload of uploads) trickle(upload, 70 * KIB);
  return uploads;
}

async function finish(upload: Begun, { frames, tail }: TestPack): Promise<unknown> {
  await expect.poll(() => upload.from(), { timeout: UPLOAD_TURN_MS + LATE_MS }).toBeDefined();
  const rest = Buffer.concat(frames).subarray(upload.from());
  for (let at = 0; at < rest.length; at += MIB) upload.piece(rest.subarray(at, at + MIB), at + MIB >= rest.length);
  upload.stream.write({ part: { $case: 'footer', value: { data: tail.footerBytes, last: true } } });
  upload.stream.end();
  return upload.end;
}

describe('places that many agents of one vault take, each with one slow call', () => {
  it('go to another agent of that vault within a turn, and its pack comes whole', async () => {
    await takeAllPlaces();
    const bob = await Uploader.create(scene.alice.domain, systemRandom);
    const client = await scene.clientOf('agent', bob.agentId);
    const { sessionId } = await scene.open(client, scene.control.addJob(bob.agentId, 'backup'));
    const pack = bob.pack([[bob.data(systemRandom.bytes(2 * MIB))]]);
    const askedAt = systemClock.monotonic();
    expect(await finish(begin(client, sessionId, uuidToBytes(pack.packId)), pack)).toMatchObject({ failure: null });
    expect(systemClock.monotonic() - askedAt).toBeLessThan(UPLOAD_TURN_MS + LATE_MS);
  });

  it('are handed on by an honest agent too, whose pack goes on where it was, and is stored as it was made', async () => {
    const bob = await Uploader.create(scene.alice.domain, systemRandom);
    const slow = await scene.clientOf('agent', bob.agentId);
    const { sessionId } = await scene.open(slow, scene.control.addJob(bob.agentId, 'backup'));
    const pack = bob.pack([[bob.data(systemRandom.bytes(2 * MIB))]]);
    const [frame = Buffer.alloc(0)] = pack.frames;
    const first = begin(slow, sessionId, uuidToBytes(pack.packId));
    first.piece(frame.subarray(0, MIB));
    const others = await takeAllPlaces(GATEWAY_LIMITS.uploads.places - 1);
    const waiting = await scene.agentWith(1, 'backup');
    const newcomer = begin(waiting.client, waiting.sessionIds[0] ?? Buffer.alloc(0));
    expect(await first.end).toMatchObject({ failure: { kind: 'RateLimited', code: 'PLACE_GIVEN_UP' } });
    await expect.poll(() => newcomer.from(), { timeout: 60_000 }).toBe(0);
    expect(others.filter(({ failure }) => failure() !== undefined)).toEqual([]);
    const second = begin(slow, sessionId, uuidToBytes(pack.packId), true);
    expect(await finish(second, pack)).toMatchObject({ failure: null });
    expect(second.from()).toBe(MIB);
  });

  it('are waited for by the header alone', async () => {
    await takeAllPlaces();
    const { client, sessionIds } = await scene.agentWith(1, 'backup');
    const eager = begin(client, sessionIds[0] ?? Buffer.alloc(0));
    eager.piece(Buffer.alloc(100));
    expect(await eager.end).toMatchObject({ failure: { kind: 'RateLimited', code: 'UPLOAD_HAS_TO_WAIT' } });
  });
});

describe('a read', () => {
  it('keeps its place until its reader has taken it, or another has waited while it had its turn', async () => {
    const big = scene.alice.data(systemRandom.bytes(3 * MIB));
    const { root } = await scene.commit([big]);
    const read = (client: DataServiceClient, sessionId: Buffer) =>
      // Takes a few messages, and then none.
      client.readChunks({ ...readOf(sessionId, [big.id]), pieceBytes: 4_096 }).on('readable', () => undefined);
    const agents = await Promise.all(Array.from({ length: 16 }, () => scene.agentWith(1, 'restore', root.id)));
    const slow = agents.map(({ client, sessionIds: [sessionId = Buffer.alloc(0)] }) => read(client, sessionId));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { client, sessionIds } = await scene.agentWith(1, 'restore', root.id);
    const askedAt = systemClock.monotonic();
    const frames = await readFrames(client, readOf(sessionIds[0] ?? Buffer.alloc(0), [big.id]));
    expect(frames).toHaveLength(1);
    expect(systemClock.monotonic() - askedAt).toBeGreaterThan(READ_TURN_MS - 2_000);
    expect(systemClock.monotonic() - askedAt).toBeLessThan(READ_TURN_MS + LATE_MS);
    for (const stream of slow) {
      stream.on('error', () => undefined);
      stream.cancel();
    }
  });
});
