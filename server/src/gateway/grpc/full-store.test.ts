import 'reflect-metadata';
import { statfsSync } from 'node:fs';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { canMountDisks, SmallDisk } from '../../../../test/kit/small-disk.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { BegunUpload } from '../testing/grpc/begun-upload.fixture.js';
import { call, commitOf, GatewayScene, upload } from '../testing/grpc/gateway-scene.fixture.js';
import { Uploader } from '../testing/uploader.fixture.js';

// Whoever gives way has had a turn first.
vi.setConfig({ testTimeout: 240_000 });
const MIB = 1024 * 1024;
const { places, perKey, turnMs } = GATEWAY_LIMITS.uploads;
const { maxUploadsPerSession } = GATEWAY_LIMITS;
/** Of the agents beside the one that gives way: fewer for each than it has. */
const OTHERS = 4;
const DISK_MIB = 40;
const HALF_BYTES = 4 * MIB;
/** What a turn may be late by, on a busy machine. */
const PATIENCE_MS = turnMs + 30_000;

const LONGEST_END_MS = 60_000;

const canMount = canMountDisks();
let scene: GatewayScene;
let disk: SmallDisk;
beforeEach(async () => {
  if (!canMount) return;
  scene = await GatewayScene.start((stores) => {
    disk = SmallDisk.mount(stores, DISK_MIB);
    return () => disk.remove();
  });
});
afterEach(async () => {
  if (!canMount) return;
  await scene.stop();
});

/** So many uploads of one agent, spread over sessions. Each has its place by then. */
async function begin(count: number): Promise<BegunUpload[]> {
  const { client, sessionIds } = await scene.agentWith(Math.ceil(count / maxUploadsPerSession), 'backup');
  const uploads = Array.from(
    { length: count },
    (_, at) => new BegunUpload(client, sessionIds[Math.floor(at / maxUploadsPerSession)] ?? Buffer.alloc(0)),
  );
  await Promise.all(uploads.map((each) => each.hasPlace(PATIENCE_MS)));
  return uploads;
}

/** The uploads of an agent that has the most places: it gives way with the oldest of them each time, and has half sent so many. */
async function takeAllPlaces(halfSent: number): Promise<BegunUpload[]> {
  const uploads = await begin(perKey);
  for (const each of uploads.slice(0, halfSent))
    for (let sent = 0; sent < HALF_BYTES; sent += MIB) each.piece(systemRandom.bytes(MIB));
  const taken = (): number => DISK_MIB * MIB - freeBytes();
  await expect.poll(taken, { timeout: 20_000 }).toBeGreaterThan(halfSent * HALF_BYTES);
  for (let other = 0; other < OTHERS; other++) await begin((places - perKey) / OTHERS);
  return uploads;
}

const freeBytes = (): number => {
  const { bavail, bsize } = statfsSync(disk.folder);
  return bavail * bsize;
};

/** Takes all that is free, but what the disk needs for itself. */
function fill(): void {
  disk.fill();
  expect(freeBytes()).toBeLessThan(HALF_BYTES / 4);
}

describe.runIf(canMount)('a store on a disk that is full while packs are paused in it', () => {
  it('has room again once somebody was told that it has none: at a piece, at the next upload, and at a commit', async () => {
    const paused = await takeAllPlaces(4);
    const gaveWay = async (which: number): Promise<void> =>
      expect(await paused[which]?.end).toMatchObject({ failure: { code: 'PLACE_GIVEN_UP' } });

    const agent = await Uploader.create(scene.alice.domain, systemRandom);
    const client = await scene.clientOf('agent', agent.agentId);
    const { sessionId } = await scene.open(client, scene.control.addJob(agent.agentId, 'backup'));
    const data = agent.data(systemRandom.bytes(2 * MIB));
    const pack = agent.pack([[data]]);
    const first = new BegunUpload(client, sessionId, uuidToBytes(pack.packId));
    await first.hasPlace(PATIENCE_MS);
    await gaveWay(0);
    fill();
    expect(await first.finish(pack, PATIENCE_MS)).toMatchObject({ failure: { code: 'STORE_FULL' } });
    expect(freeBytes()).toBeGreaterThan(HALF_BYTES / 2);
    expect(await upload(client, sessionId, pack)).toBeGreaterThan(2n * BigInt(MIB));

    const [taken] = await begin(1);
    const [next] = await Promise.all([begin(1), gaveWay(1)]);
    fill();
    // In a folder of its own, for which there is no room.
    const begun = new BegunUpload(client, sessionId);
    await expect(begun.hasPlace(PATIENCE_MS)).rejects.toMatchObject({ code: 'STORE_FULL' });
    await gaveWay(2);
    expect(freeBytes()).toBeGreaterThan(HALF_BYTES / 2);
    const root = agent.node('root', [data]);
    await upload(client, sessionId, agent.pack([[root]]));
    const [again] = await begin(1);

    const [last] = await Promise.all([begin(1), gaveWay(3)]);
    fill();
    const commit = () => call(client, client.commit, commitOf(sessionId, root));
    await expect(commit()).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(freeBytes()).toBeGreaterThan(HALF_BYTES / 2);
    expect((await commit()).pointId).toHaveLength(16);
    for (const each of [taken, next[0], again, last[0]]) expect(each?.failure).toBeUndefined();
  });
});

describe.runIf(canMount)('a store on a disk that hangs while a pack is sent', () => {
  it('keeps no place from others, and no gateway from its end', async () => {
    const [upload] = await takeAllPlaces(1);
    if (upload === undefined) throw new Error('nothing was begun');
    disk.freeze();
    try {
      upload.piece(systemRandom.bytes(MIB));
      const { client, sessionIds } = await scene.agentWith(1, 'backup');
      const newcomer = new BegunUpload(client, sessionIds[0] ?? Buffer.alloc(0));
      expect(await upload.end).toMatchObject({ failure: { code: 'PLACE_GIVEN_UP' } });
      expect(newcomer.failure).toBeUndefined();
      const late = new Promise((resolve) => setTimeout(resolve, LONGEST_END_MS, 'it goes on'));
      expect(await Promise.race([scene.stopGateway().then(() => 'it has ended'), late])).toBe('it has ended');
    } finally {
      disk.thaw();
    }
  });
});
