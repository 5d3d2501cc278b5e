import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import type { IncomingFrame, ReadAnswer } from '../../data-transport.js';
import { SealedFrames } from '../../testing/sealed-frames.js';
import { ChunkReader } from '../chunk-reader.js';
import { HelperThreads } from './helper-threads.js';
import { ThreadedOpener } from './threaded-opener.js';

const program = new URL('./helper.worker.ts', import.meta.url);
/** From the sources, as this test does. */
const execArgv = ['--conditions=holdfast-source', '--import', '@swc-node/register/esm-register'];

const sealed = new SealedFrames();
const threads: Worker[] = [];
const helpers = new HelperThreads(sealed.keys, 2, (keys) => {
  const thread = new Worker(program, { workerData: keys, execArgv, trackUnmanagedFds: false });
  threads.push(thread);
  return thread;
});
const opener = new ThreadedOpener(helpers);
afterAll(() => helpers.close());

/** Half of it is left when it is compressed. */
const compressible = (bytes: number): Buffer => Buffer.from(randomBytes(bytes / 2).toString('hex'));

interface Asked {
  readonly ids: readonly Buffer[];
  readonly avoid: readonly Buffer[];
}

/** What a restore reads that is served these frames, one list for each question. */
async function read(answers: readonly (readonly IncomingFrame[])[], ids: readonly Buffer[]) {
  const asked: Asked[] = [];
  const readChunks = async function* (wanted: readonly Buffer[], avoid: readonly Buffer[]): AsyncGenerator<ReadAnswer> {
    asked.push({ ids: wanted, avoid });
    for (const frame of answers[asked.length - 1] ?? []) yield { kind: 'frame', frame };
  };
  const reader = new ChunkReader({ readChunks }, sealed.keys, new AbortController().signal, opener);
  const fetched = await reader.fetch(ids);
  return { contents: ids.map((id) => fetched.get(id).plaintext), asked };
}

const chunkOf = (content: Buffer) => ({ content, id: sealed.idOf(content) });

describe('frames that the helpers of a restore open', () => {
  it('have the content that their ids name, however large they are', async () => {
    const chunks = [1 << 20, 5 << 20, 3 << 20, 2_000, 8 << 20, 1 << 20, 700].map((size) => chunkOf(compressible(size)));
    const frames = chunks.map((chunk) => sealed.frame([chunk]));
    const shared = Buffer.concat([Buffer.from('of others'), frames[3]?.stored as Buffer]);
    frames[3] = { ...(frames[3] as IncomingFrame), stored: shared.subarray(9) };
    const { contents, asked } = await read(
      [frames],
      chunks.map(({ id }) => id),
    );
    expect(contents.map((content, at) => content.equals(chunks[at]?.content as Buffer))).toEqual(
      chunks.map(() => true),
    );
    expect(helpers.areRunning).toBe(true);
    expect(asked).toHaveLength(1);
    // What changed hands was theirs alone.
    expect(frames[4]?.stored.length).toBe(0);
    expect(shared.subarray(0, 9).toString()).toBe('of others');
  });

  it('are asked for again from elsewhere where they do not open, or hold something else', async () => {
    const [sound, broken, lie, honest] = [1, 2, 3, 4].map(() => chunkOf(compressible(1 << 20)));
    if (!sound || !broken || !lie || !honest) throw new Error('four chunks');
    const damaged = sealed.frame([broken]);
    damaged.stored[20] = (damaged.stored[20] as number) ^ 1;
    const lying = sealed.frame([{ id: lie.id, content: compressible(1 << 20) }, honest]);
    const first = [sealed.frame([sound]), damaged, lying];
    const packs = [damaged.packId, lying.packId].map((id) => Buffer.from(id));
    const { contents, asked } = await read(
      [first, [sealed.frame([broken])], [sealed.frame([lie])]],
      [sound, broken, lie, honest].map(({ id }) => id),
    );
    expect(contents.map((content, at) => content.equals([sound, broken, lie, honest][at]?.content as Buffer))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(asked.slice(1).map(({ avoid }) => avoid[0]?.toString('hex'))).toEqual(packs.map((id) => id.toString('hex')));
    expect(asked.slice(1).map(({ ids }) => ids.length)).toEqual([1, 1]);
    expect(damaged.stored.length + lying.stored.length).toBe(0);
  });

  it('end the read where a thread ends before its work does', async () => {
    const chunks = Array.from({ length: 6 }, () => chunkOf(compressible(8 << 20)));
    const reading = read(
      [chunks.map((chunk) => sealed.frame([chunk]))],
      chunks.map(({ id }) => id),
    );
    reading.catch(() => undefined);
    await expect.poll(() => helpers.leastCost, { interval: 1 }).toBeGreaterThan(0);
    await Promise.all(threads.map((thread) => thread.terminate()));
    await expect(reading).rejects.toMatchObject({ kind: 'Unavailable', code: 'RESTORE_THREAD_ENDED' });
  });
});
