import type { ServerReadableStream } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as http2 from '../../../../test/kit/http2-frames.js';
import { DoorScene, TAKES } from './door-scene.fixture.js';

const KIB = 1024;
const MESSAGE_BYTES = 16 * KIB - 5;
/** One message, in one frame. */
const MESSAGE = http2.frame(
  http2.DATA,
  0,
  1,
  Buffer.concat([Buffer.of(0, 0, 0, 0x3f, 0xfb), Buffer.alloc(MESSAGE_BYTES)]),
);
const MESSAGES = 256;
const CONNECTIONS = 3;

let scene: DoorScene;
beforeAll(async () => {
  scene = await DoorScene.create();
});
afterEach(() => scene.clear());
afterAll(() => scene.identity.stop());

/** What came of each call, and the most that came of all of them in a round of the event loop. */
async function received() {
  const bytes: number[] = [];
  let inRound = 0;
  let most = 0;
  const take = (stream: ServerReadableStream<Buffer, unknown>): void => {
    const call = bytes.push(0) - 1;
    stream.on('data', (message: Buffer) => {
      bytes[call] = (bytes[call] ?? 0) + message.length;
      if (inRound === 0) setImmediate(() => (inRound = 0));
      inRound += message.length;
      most = Math.max(most, inRound);
    });
  };
  const services = [{ name: 'taking', definition: TAKES, handlers: { take } }];
  const port = await scene.open({ maxMessageBytes: 16 * KIB, windowBytes: 16 * KIB * KIB }, { services });
  return { port, bytes, most: () => most };
}

describe('what a peer sends', () => {
  it('is received in small parts, no larger for more connections, and of each of these alike', async () => {
    const { port, bytes, most } = await received();
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => scene.secure(port, scene.agent)));
    for (const { socket } of sockets) {
      socket.write(http2.callTo(TAKES.take.path));
      socket.write(Buffer.concat(Array.from({ length: MESSAGES }, () => MESSAGE)));
    }
    const all = MESSAGES * MESSAGE_BYTES;
    await expect.poll(() => Math.max(...bytes), { interval: 1 }).toBe(all);
    expect(Math.min(...bytes)).toBeGreaterThan(all / 2);
    await expect.poll(() => bytes).toEqual(Array(CONNECTIONS).fill(all));
    // In the first round each of them once.
    expect(most()).toBeLessThanOrEqual((CONNECTIONS + 1) * 64 * KIB);
  });
});
