import 'reflect-metadata';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import type { DataServiceClient } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GATEWAY_LIMITS } from '../limits.js';
import { BegunUpload } from '../testing/grpc/begun-upload.fixture.js';
import { GatewayScene, readFrames, readOf } from '../testing/grpc/gateway-scene.fixture.js';
import { Uploader } from '../testing/uploader.fixture.js';

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

/** Moves so much a second for as long as it may. */
function trickle(upload: BegunUpload, bytesPerSecond: number): void {
  const data = Buffer.alloc((bytesPerSecond * TRICKLE_MS) / 1000);
  trickles.push(setInterval(() => upload.failure === undefined && upload.piece(data), TRICKLE_MS));
}

/** As many agents of the vault as there are places, each with one upload that moves more than slow ones do. */
async function takeAllPlaces(count = GATEWAY_LIMITS.uploads.places): Promise<BegunUpload[]> {
  const agents = await Promise.all(Array.from({ length: count }, () => scene.agentWith(1, 'backup')));
  const uploads = agents.map(
    ({ client, sessionIds: [sessionId = Buffer.alloc(0)] }) => new BegunUpload(client, sessionId),
  );
  await expect.poll(() => uploads.every(({ from }) => from === 0), { timeout: 60_000 }).toBe(true);
  for (const upload of uploads) trickle(upload, 70 * KIB);
  return uploads;
}

describe('places that many agents of one vault take, each with one slow call', () => {
  it('go to another agent of that vault within a turn, and its pack comes whole', async () => {
    await takeAllPlaces();
    const bob = await Uploader.create(scene.alice.domain, systemRandom);
    const client = await scene.clientOf('agent', bob.agentId);
    const { sessionId } = await scene.open(client, scene.control.addJob(bob.agentId, 'backup'));
    const pack = bob.pack([[bob.data(systemRandom.bytes(2 * MIB))]]);
    const askedAt = systemClock.monotonic();
    const upload = new BegunUpload(client, sessionId, uuidToBytes(pack.packId));
    expect(await upload.finish(pack, UPLOAD_TURN_MS + LATE_MS)).toMatchObject({ failure: null });
    expect(systemClock.monotonic() - askedAt).toBeLessThan(UPLOAD_TURN_MS + LATE_MS);
  });

  it('are handed on by an honest agent too, whose pack goes on where it was, and is stored as it was made', async () => {
    const bob = await Uploader.create(scene.alice.domain, systemRandom);
    const slow = await scene.clientOf('agent', bob.agentId);
    const { sessionId } = await scene.open(slow, scene.control.addJob(bob.agentId, 'backup'));
    const pack = bob.pack([[bob.data(systemRandom.bytes(2 * MIB))]]);
    const [frame = Buffer.alloc(0)] = pack.frames;
    const first = new BegunUpload(slow, sessionId, uuidToBytes(pack.packId));
    first.piece(frame.subarray(0, MIB));
    const others = await takeAllPlaces(GATEWAY_LIMITS.uploads.places - 1);
    const waiting = await scene.agentWith(1, 'backup');
    const newcomer = new BegunUpload(waiting.client, waiting.sessionIds[0] ?? Buffer.alloc(0));
    expect(await first.end).toMatchObject({ failure: { kind: 'RateLimited', code: 'PLACE_GIVEN_UP' } });
    await expect.poll(() => newcomer.from, { timeout: 60_000 }).toBe(0);
    expect(others.filter(({ failure }) => failure !== undefined)).toEqual([]);
    const second = new BegunUpload(slow, sessionId, uuidToBytes(pack.packId), true);
    expect(await second.finish(pack, UPLOAD_TURN_MS + LATE_MS)).toMatchObject({ failure: null });
    expect(second.from).toBe(MIB);
  });

  it('are waited for by the header alone', async () => {
    await takeAllPlaces();
    const { client, sessionIds } = await scene.agentWith(1, 'backup');
    const eager = new BegunUpload(client, sessionIds[0] ?? Buffer.alloc(0));
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
