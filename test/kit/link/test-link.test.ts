import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SeededChance } from '../seeded-chance.js';
import type { LinkShape } from './bottleneck.js';
import { type Door, TestLink } from './test-link.js';

// Real time passes here, and a busy machine may take more of it.
vi.setConfig({ testTimeout: 30_000 });

const MB = 1_000_000;
const WIDE: LinkShape = { bytesPerSecond: 25 * MB, delayMs: 50, queueMs: 20 };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

/** A link to a server of the test's own. */
async function linkTo(shape: LinkShape, onConnection: (socket: Socket) => void): Promise<Door> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    cleanups.push(() => socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const link = new TestLink(shape);
  const door = await link.open();
  door.leadTo(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  cleanups.push(() => {
    link.close();
    server.close();
  });
  return door;
}

async function dial(door: Door): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(door.address.split(':')[1]), allowHalfOpen: true });
  socket.on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Writes without end, as fast as the socket takes it; answers how much that was. */
function pour(socket: Socket): () => number {
  const piece = Buffer.alloc(64 * 1024, 7);
  let taken = 0;
  const write = (): void => {
    socket.write(piece, (error) => {
      if (error) return;
      taken += piece.length;
      write();
    });
  };
  write();
  return () => taken;
}

function countBytes(socket: Socket): () => number {
  let bytes = 0;
  socket.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  return () => bytes;
}

/** Bytes per second that `read` grows by from now on: the median of several stretches, as the machine may be busy with something else in one. */
async function rateOf(read: () => number, stretches: number, stretchMs: number): Promise<number> {
  const rates: number[] = [];
  while (rates.length < stretches) {
    const [before, startedAt] = [read(), performance.now()];
    await sleep(stretchMs);
    rates.push(((read() - before) / (performance.now() - startedAt)) * 1000);
  }
  return median(rates);
}

async function roundTrip(socket: Socket): Promise<number> {
  const startedAt = performance.now();
  socket.write('ping');
  await new Promise((resolve) => socket.once('data', resolve));
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const within = (expected: number, share: number) => ({
  least: expected * (1 - share),
  most: expected * (1 + share),
});

describe('the test link', () => {
  it('delays by what it says, each way, within 5 %', async () => {
    const [sent, heard]: [number[], number[]] = [[], []];
    const door = await linkTo(WIDE, (socket) => socket.on('data', () => heard.push(performance.now())));
    const socket = await dial(door);
    for (let index = 0; index < 21; index += 1) {
      sent.push(performance.now());
      socket.write('x');
      await sleep(20);
    }
    await expect.poll(() => heard.length).toBe(sent.length);
    const delay = median(heard.map((at, index) => at - (sent[index] ?? 0)));
    expect(delay).toBeGreaterThan(47.5);
    expect(delay).toBeLessThan(52.5);
  });

  it('carries its rate, both ways at once and shared by all connections, within 5 %', async () => {
    const upward: (() => number)[] = [];
    const door = await linkTo(WIDE, (socket) => {
      upward.push(countBytes(socket));
      pour(socket);
    });
    const downward: (() => number)[] = [];
    for (let index = 0; index < 3; index += 1) {
      const socket = await dial(door);
      downward.push(countBytes(socket));
      pour(socket);
    }
    await sleep(500);
    const total = (all: (() => number)[]) => () => all.reduce((sum, read) => sum + read(), 0);
    const [up, down] = await Promise.all([rateOf(total(upward), 5, 600), rateOf(total(downward), 5, 600)]);
    const { least, most } = within(25 * MB, 0.05);
    for (const rate of [up, down]) {
      expect(rate).toBeGreaterThan(least);
      expect(rate).toBeLessThan(most);
    }
    // No connection starves.
    const shares = upward.map((read) => read() / total(upward)());
    for (const share of shares) expect(share).toBeGreaterThan(0.2);
  });

  it('makes a message wait for its queue and no more while another connection fills the link', async () => {
    const door = await linkTo(WIDE, (socket) =>
      socket.once('data', (first: Buffer) => first[0] === 7 || socket.pipe(socket)),
    );
    const [bulk, control] = [await dial(door), await dial(door)];
    control.write('hello');
    await expect.poll(() => door.delivered.up).toBe(5);
    const idle = [];
    for (let index = 0; index < 5; index += 1) idle.push(await roundTrip(control));
    pour(bulk);
    await sleep(500);
    const busy = [];
    for (let index = 0; index < 15; index += 1) busy.push(await roundTrip(control));
    expect(median(idle)).toBeLessThan(110);
    expect(median(busy) - median(idle)).toBeGreaterThan(10);
    expect(median(busy) - median(idle)).toBeLessThan(40);
  });

  it('takes no more than fits on a slow line: a sender feels it at once', async () => {
    const slow = { bytesPerSecond: 0.25 * MB, delayMs: 50, queueMs: 100 };
    let read = (): number => 0;
    const door = await linkTo(slow, (socket) => {
      read = countBytes(socket);
    });
    const taken = pour(await dial(door));
    await sleep(2_000);
    // 50 kB under way, the link's edge, and what the sender's own kernel takes, which is 4 MiB where it lets itself grow.
    expect(taken() - read()).toBeLessThan(6 * MB);
    const { least, most } = within(0.25 * MB, 0.05);
    const rate = await rateOf(read, 3, 1_000);
    expect(rate).toBeGreaterThan(least);
    expect(rate).toBeLessThan(most);
  });

  it('lets a receiver that does not read hold up its own sender and nobody else', async () => {
    let read = (): number => 0;
    const door = await linkTo(WIDE, (socket) => {
      if (door.made === 1) socket.pause();
      else read = countBytes(socket);
    });
    const taken = pour(await dial(door));
    await sleep(1_500);
    const before = taken();
    await sleep(500);
    expect(taken()).toBe(before);
    pour(await dial(door));
    await sleep(300);
    expect(await rateOf(() => read(), 1, 1_000)).toBeGreaterThan(20 * MB);
  });

  it('carries every byte, in order, to an orderly end', async () => {
    const received: Buffer[] = [];
    let ended = 0;
    const door = await linkTo(WIDE, (socket) => {
      socket.on('data', (data: Buffer) => received.push(data));
      socket.on('end', () => {
        ended += 1;
        socket.end('thanks');
      });
    });
    const socket = await dial(door);
    const sent = Buffer.from(Uint32Array.from({ length: 500_000 }, (_, index) => index).buffer);
    const answer: Buffer[] = [];
    socket.on('data', (data: Buffer) => answer.push(data));
    socket.end(sent);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect([ended, Buffer.concat(answer).toString(), door.lost]).toEqual([1, 'thanks', 0]);
    await expect.poll(() => door.connections.length).toBe(0);
  });

  it('loses a connection after as many bytes as were drawn, the same ones for the same seed', async () => {
    const lives = async (seed: string): Promise<number[]> => {
      const chance = new SeededChance(seed);
      const door = await linkTo({ ...WIDE, delayMs: 1 }, (socket) => socket.resume());
      door.lifeOfNext = () => 1 + chance.below(2 * MB);
      const delivered: number[] = [];
      for (let index = 0; index < 4; index += 1) {
        const socket = await dial(door);
        const before = door.delivered.up;
        const closed = new Promise((resolve) => socket.once('close', resolve));
        pour(socket);
        await closed;
        delivered.push(door.delivered.up - before);
      }
      expect(door.lost).toBe(4);
      return delivered;
    };
    const first = await lives('a');
    expect(await lives('a')).toEqual(first);
    expect(await lives('b')).not.toEqual(first);
    expect(new Set(first).size).toBe(4);
  });

  it('tells both ends at once when it is cut', async () => {
    let far: Promise<unknown> = Promise.resolve();
    const door = await linkTo(WIDE, (socket) => {
      far = new Promise((resolve) => socket.once('error', resolve));
      socket.resume();
    });
    const socket = await dial(door);
    socket.write('x');
    await expect.poll(() => door.delivered.up).toBe(1);
    const near = new Promise((resolve) => socket.once('error', resolve));
    door.cut();
    expect(await Promise.all([near, far])).toMatchObject([{ code: 'ECONNRESET' }, { code: 'ECONNRESET' }]);
  });

  it('tells neither end when it is frozen, not even that the other one has gone', async () => {
    const events: string[] = [];
    let read = (): number => 0;
    const door = await linkTo(WIDE, (socket) => {
      read = countBytes(socket);
      for (const event of ['end', 'close', 'error']) socket.on(event, () => events.push(`far ${event}`));
    });
    const socket = await dial(door);
    for (const event of ['end', 'close', 'error']) socket.on(event, () => events.push(`near ${event}`));
    socket.write('before');
    await expect.poll(() => read()).toBe(6);
    socket.write('under way');
    await sleep(20);
    door.freeze();
    const taken = pour(socket);
    await sleep(1_000);
    expect([read(), events]).toEqual([6, []]);
    const before = taken();
    expect(before).toBeLessThan(8 * MB);
    await sleep(300);
    expect(taken()).toBe(before);
    socket.destroy();
    await sleep(300);
    expect(events).toEqual(['near close']);
    // The line is there again for a new connection.
    const again = await dial(door);
    again.write('again');
    await expect.poll(() => read()).toBe(5);
  });
});
