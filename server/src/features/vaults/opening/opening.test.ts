import type { Worker } from 'node:worker_threads';
import {
  ChunkHasher,
  Codec,
  createDomain,
  createSessionKey,
  DomainScope,
  decodeFrameEntry,
  encodeFrameEntry,
  encodeWrappedSessionKey,
  type FrameChunk,
  FrameSealer,
  frameDigest,
  nodeCodec,
  openChunks,
  openFrame,
  openReleasedKey,
  PackKind,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { seededRandom, uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, type MockInstance, vi } from 'vitest';
import { bundleThread } from '../../../platform/threads/testing/bundle-thread.js';
import { FrameOpener } from './frame-opener.js';
import type { ClosedFrame, CutAsker, DomainAccess, FrameOpening } from './frame-opening.js';
import { startThreadedOpening } from './threaded-opening.js';

const vaultId = '01901234-5678-7abc-8def-0123456789ab';
const domainId = '01901234-5678-7abc-8def-0123456789ac';
const place = { vaultId: uuidToBytes(vaultId), domainId: uuidToBytes(domainId) };
const asker: CutAsker = { agentId: 'an agent', over: new AbortController().signal };
const random = seededRandom('opening');
const startThread = await bundleThread(new URL('./opening.worker.ts', import.meta.url));

interface Sealed {
  readonly access: DomainAccess;
  readonly contents: readonly Buffer[];
  readonly ids: readonly Buffer[];
  readonly frame: ClosedFrame;
}

async function seal(
  contents: readonly Buffer[],
  kind: 'DATA' | 'NODE' = 'NODE',
  claimedIds?: readonly Buffer[],
  codec = nodeCodec,
): Promise<Sealed> {
  const { domain, secret } = await createDomain(
    { ...place, vaultKey: Buffer.alloc(32, 1), scope: DomainScope.DOMAIN_SCOPE_VAULT },
    random,
  );
  const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, place, random);
  const packKind = kind === 'DATA' ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE;
  const hasher = new ChunkHasher(secret.idKey);
  const ids = claimedIds ?? contents.map((content) => hasher.name(packKind, Buffer.alloc(0), content).id);
  const chunks: FrameChunk[] = contents.map((content, index) => ({
    id: ids[index] as Buffer,
    length: content.length,
    ...(kind === 'NODE' && { edges: Buffer.alloc(0) }),
  }));
  const sealer = new FrameSealer({ context: { ...place, kind: packKind }, sessionKey, padded: true, codec });
  const { stored, entry } = sealer.seal({ plaintext: Buffer.concat(contents), chunks });
  return {
    access: { vaultId, domainId, privateKey: secret.privateKey, idKey: secret.idKey },
    contents,
    ids,
    frame: {
      packKind: kind,
      sessionKey: encodeWrappedSessionKey(wrapped),
      frame: encodeFrameEntry({ offset: 16n, ...entry }),
      bytes: stored,
    },
  };
}

const questionOf = ({ frame }: Sealed) => ({
  sessionKey: frame.sessionKey,
  frameDigest: frameDigest(decodeFrameEntry(frame.frame, kindOf(frame))),
});
const kindOf = ({ packKind }: ClosedFrame): PackKind =>
  packKind === 'DATA' ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE;

const contents = [Buffer.from('one'), Buffer.from('two two'), Buffer.alloc(300_000, 'three')];
const flipped = (bytes: Uint8Array) => Buffer.from(bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte)));

describe.each([
  ['in the same thread', () => Object.assign(new FrameOpener(seededRandom('nonces')), { stop: async () => {} })],
  ['in a thread of its own', () => startThreadedOpening({ log: pino({ level: 'silent' }), startThread })],
])('opening frames %s', (_, start) => {
  let opening: FrameOpening & { stop(): Promise<void> };
  let sealed: Sealed;
  beforeAll(async () => {
    opening = start();
    sealed = await seal(contents);
  });
  afterAll(() => opening.stop());

  it('gives every chunk with its id', async () => {
    const chunks = await opening.openNodes(sealed.access, sealed.frame);
    expect(chunks.map((chunk) => chunk.plaintext.equals(contents[chunks.indexOf(chunk)] as Buffer))).toEqual([
      true,
      true,
      true,
    ]);
    expect(chunks.map((chunk) => chunk.id.toString('hex'))).toEqual(sealed.ids.map((id) => id.toString('hex')));
  });

  it('refuses damaged bytes and another domain’s key', async () => {
    await expect(
      opening.openNodes(sealed.access, { ...sealed.frame, bytes: flipped(sealed.frame.bytes) }),
    ).rejects.toMatchObject({ kind: 'Integrity' });
    const stranger = await seal(contents);
    await expect(
      opening.openNodes({ ...sealed.access, privateKey: stranger.access.privateKey }, sealed.frame),
    ).rejects.toMatchObject({ kind: 'WrongKey' });
  });

  it('releases keys that open these frames, sealed so that only the holder of the transport key can use them', async () => {
    const data = await seal([Buffer.alloc(5_000, 7)], 'DATA');
    const access = data.access;
    const transportKey = Buffer.alloc(32, 8);
    const [key] = await opening.releaseFrameKeys(access, transportKey, [questionOf(data)]);
    const entry = decodeFrameEntry(data.frame.frame, PackKind.PACK_KIND_DATA);
    const frameKey = openReleasedKey(transportKey, place, frameDigest(entry), key as Buffer);
    expect(
      openFrame(frameKey, { ...place, kind: PackKind.PACK_KIND_DATA }, entry, data.frame.bytes).equals(
        Buffer.alloc(5_000, 7),
      ),
    ).toBe(true);
    expect(() => openReleasedKey(Buffer.alloc(32, 9), place, frameDigest(entry), key as Buffer)).toThrow(
      expect.objectContaining({ kind: 'WrongKey' }),
    );
  });

  it.each(['DATA', 'NODE'] as const)(
    'cuts chunks of a %s frame out, for the holder of the transport key alone',
    async (kind) => {
      const from = await seal(contents, kind);
      const transportKey = Buffer.alloc(32, 8);
      const [, second, third] = from.ids as Buffer[];
      const cut = await opening.cutFrame(from.access, transportKey, from.frame, [third, second] as Buffer[], asker);
      if (cut === undefined) throw new Error('it was not cut');
      const entry = decodeFrameEntry(cut.frame, kindOf(from.frame));
      const key = openReleasedKey(transportKey, place, frameDigest(entry), cut.sealedFrameKey);
      const context = { ...place, kind: kindOf(from.frame) };
      const chunks = openChunks(new ChunkHasher(from.access.idKey), key, context, entry, cut.stored);
      expect(
        chunks.map(
          ({ plaintext }) => plaintext.equals(contents[1] as Buffer) || plaintext.equals(contents[2] as Buffer),
        ),
      ).toEqual([true, true]);
      expect(Buffer.from(entry.chunkIds).equals(Buffer.concat([second, third] as Buffer[]))).toBe(true);
      expect(() => openReleasedKey(Buffer.alloc(32, 9), place, frameDigest(entry), cut.sealedFrameKey)).toThrow();
    },
  );

  it('cuts nothing out of a frame that does not open, be it damaged or of another key', async () => {
    const { sessionKey } = (await seal(contents)).frame;
    const bytes = flipped(sealed.frame.bytes);
    for (const wrong of [{ bytes }, { sessionKey }, { sessionKey: Buffer.alloc(8, 1) }]) {
      const frame = { ...sealed.frame, ...wrong };
      expect(await opening.cutFrame(sealed.access, Buffer.alloc(32, 8), frame, sealed.ids, asker)).toBeUndefined();
    }
  });

  it('releases no key where a session key does not open, and those of the others all the same', async () => {
    const stranger = await seal(contents);
    const malformed = { ...questionOf(sealed), sessionKey: Buffer.alloc(8, 1) };
    const questions = [questionOf(stranger), questionOf(sealed), malformed];
    const keys = await opening.releaseFrameKeys(sealed.access, Buffer.alloc(32, 8), questions);
    expect(keys.map((key) => key.length > 0)).toEqual([false, true, false]);
  });

  it('releases many keys in the order asked', async () => {
    const transportKey = Buffer.alloc(32, 8);
    const questions = Array.from({ length: 201 }, () => questionOf(sealed));
    const keys = await opening.releaseFrameKeys(sealed.access, transportKey, questions);
    expect(keys).toHaveLength(201);
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(201);
  });

  it('tells good chunks from bad ones, also where the frame itself is sound', async () => {
    const hex = (ids: readonly Buffer[]) => ids.map((id) => id.toString('hex'));
    const good = await opening.verifyFrame(sealed.access, sealed.frame);
    expect([hex(good.good), hex(good.bad)]).toEqual([hex(sealed.ids), []]);

    const poisoned = await seal([Buffer.from('one'), Buffer.from('garbage')], 'DATA', [
      sealed.ids[0] as Buffer,
      Buffer.alloc(32, 5),
    ]);
    const honest = new ChunkHasher(poisoned.access.idKey).nameData(Buffer.from('one')).id;
    const mixed = await seal([Buffer.from('x')], 'DATA');
    expect(hex((await opening.verifyFrame(mixed.access, mixed.frame)).good)).toEqual(hex(mixed.ids));
    const verdict = await opening.verifyFrame(poisoned.access, poisoned.frame);
    expect(hex(verdict.good)).toEqual([]);
    expect(hex(verdict.bad)).toEqual([sealed.ids[0]?.toString('hex'), '05'.repeat(32)]);
    expect(honest.equals(sealed.ids[0] as Buffer)).toBe(false);

    const stranger = await seal(contents);
    const unopened = await opening.verifyFrame(sealed.access, {
      ...sealed.frame,
      sessionKey: stranger.frame.sessionKey,
    });
    expect([hex(unopened.good), hex(unopened.bad)]).toEqual([[], hex(sealed.ids)]);
  });

  it('says nothing of a frame that has changed on its way, for a verdict is for good', async () => {
    for (const bytes of [flipped(sealed.frame.bytes), sealed.frame.bytes.subarray(0, -1)])
      expect(await opening.verifyFrame(sealed.access, { ...sealed.frame, bytes })).toEqual({ good: [], bad: [] });
  });

  it('calls a short chunk bad where a byte stands behind what was compressed, as no agent would open it', async () => {
    const compress = (plaintext: Uint8Array): Buffer => Buffer.concat([nodeCodec.compress(plaintext), Buffer.of(42)]);
    const guessed = await seal([Buffer.alloc(60, 'x')], 'DATA', undefined, { ...nodeCodec, compress });
    expect(decodeFrameEntry(guessed.frame.frame, PackKind.PACK_KIND_DATA).codec).toBe(Codec.CODEC_ZSTD);
    expect(await opening.verifyFrame(guessed.access, guessed.frame)).toMatchObject({ good: [], bad: guessed.ids });
  });
});

/** An opening whose threads, and how much they were asked, can be seen. */
async function watched() {
  const threads: Worker[] = [];
  const posted: MockInstance[] = [];
  const opening = startThreadedOpening({
    log: pino({ level: 'silent' }),
    startThread: () => {
      const thread = startThread();
      threads.push(thread);
      posted.push(vi.spyOn(thread, 'postMessage'));
      return thread;
    },
  });
  const asked = () => posted.reduce((sum, each) => sum + each.mock.calls.length, 0);
  return { opening, sealed: await seal(contents), threads, asked };
}

describe('the opening thread', () => {
  it('lets keys go before frames that wait to be cut', async () => {
    const opening = startThreadedOpening({ log: pino({ level: 'silent' }), startThread });
    const sealed = await seal(contents);
    const transportKey = Buffer.alloc(32, 8);
    const cut = () => opening.cutFrame(sealed.access, transportKey, sealed.frame, sealed.ids.slice(1), asker);
    await cut();
    const ended: string[] = [];
    const cuts = Array.from({ length: 5 }, () => cut().then(() => ended.push('cut')));
    await opening.releaseFrameKeys(sealed.access, transportKey, [questionOf(sealed)]).then(() => ended.push('key'));
    expect(ended.length).toBeLessThanOrEqual(2);
    await Promise.all(cuts);
    await opening.stop();
  });

  it('cuts nothing for those who have gone, and one agent’s frame before all of another’s', async () => {
    const { opening, sealed, asked } = await watched();
    const leaving = new AbortController();
    const cut = (agentId: string, over = asker.over) =>
      opening.cutFrame(sealed.access, Buffer.alloc(32, 8), sealed.frame, sealed.ids, { agentId, over });
    await cut('greedy');
    const ended: string[] = [];
    const all = Array.from({ length: 5 }, () => cut('greedy').then(() => ended.push('greedy')));
    const left = Array.from({ length: 5 }, () => cut('gone', leaving.signal));
    all.push(cut('modest').then(() => ended.push('modest')));
    leaving.abort(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'Gone.' }));
    expect(await Promise.allSettled(left)).toMatchObject(Array(5).fill({ reason: { code: 'CALLER_GONE' } }));
    await Promise.all(all);
    expect(ended.indexOf('modest')).toBeLessThanOrEqual(2);
    expect(asked()).toBe(7);
    await opening.stop();
  });

  it('is not started again once it is stopped, also for those who wait to have a frame cut', async () => {
    const { opening, sealed, threads } = await watched();
    const cut = () => opening.cutFrame(sealed.access, Buffer.alloc(32, 8), sealed.frame, sealed.ids, asker);
    const waiting = Promise.allSettled([cut(), cut(), cut()]);
    await opening.stop();
    expect(await waiting).toMatchObject(Array(3).fill({ reason: { kind: 'Unavailable' } }));
    await expect(opening.openNodes(sealed.access, sealed.frame)).rejects.toMatchObject({ kind: 'Unavailable' });
    expect(threads).toHaveLength(1);
  });

  it('is started again after it ended, and tells those who waited', async () => {
    const { opening, sealed, threads } = await watched();
    const waiting = opening.openNodes(sealed.access, sealed.frame);
    await threads[0]?.terminate();
    await expect(waiting).rejects.toMatchObject({ kind: 'Unavailable' });
    expect(await opening.openNodes(sealed.access, sealed.frame)).toHaveLength(3);
    await opening.stop();
  });
});
