import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import type { IncomingFrame, ReadAnswer } from '../data-transport.js';
import { SealedFrames } from '../testing/sealed-frames.js';
import { ChunkReader } from './chunk-reader.js';
import { type FrameOpener, FrameOpening, type OpenedFrame } from './frame-opener.js';

const sealed = new SealedFrames();
const { keys } = sealed;

const contentOf = (name: string): Buffer => Buffer.from(`the content of ${name} `.repeat(50));
const idOf = (name: string): Buffer => sealed.idOf(contentOf(name));

/** @param lies chunks whose content is another than their ids name */
function frame(names: readonly string[], { lies = [] }: { lies?: string[] } = {}): IncomingFrame {
  const chunks = names.map((name) => ({ id: idOf(name), content: contentOf(lies.includes(name) ? 'another' : name) }));
  return sealed.frame(chunks);
}

interface Asked {
  readonly ids: readonly Buffer[];
  readonly avoid: readonly Buffer[];
}

/** @param answers one list for each question */
function readerOf(answers: readonly (readonly IncomingFrame[])[], opener?: FrameOpener) {
  const asked: Asked[] = [];
  const readChunks = async function* (ids: readonly Buffer[], avoid: readonly Buffer[]): AsyncGenerator<ReadAnswer> {
    asked.push({ ids, avoid });
    for (const each of answers[asked.length - 1] ?? []) yield { kind: 'frame', frame: each };
  };
  return { asked, reader: new ChunkReader({ readChunks }, keys, new AbortController().signal, opener) };
}

/** Opens frames when it is told to, in the order in which they came or any other. */
class OpenerOnDemand implements FrameOpener {
  readonly waiting: (() => void)[] = [];
  private readonly here = new FrameOpening(keys);

  open(...given: Parameters<FrameOpener['open']>): Promise<OpenedFrame> {
    return new Promise((resolve) => this.waiting.push(() => resolve(this.here.open(...given))));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('chunks of a restore', () => {
  it('come in the order of their frames, of which a few are opened beside each other', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const opener = new OpenerOnDemand();
    const { reader } = readerOf([names.map((name) => frame([name]))], opener);
    const came: string[] = [];
    const reading = (async () => {
      for await (const { result } of reader.results(names.map(idOf)))
        came.push('plaintext' in result ? result.plaintext.toString() : result.message);
    })();
    await turn();
    expect(opener.waiting).toHaveLength(3);
    for (const open of opener.waiting.splice(1, 2)) open();
    await turn();
    expect(came).toEqual([]);
    while (came.length < names.length) {
      for (const open of opener.waiting.splice(0)) open();
      await turn();
    }
    await reading;
    expect(came).toEqual(names.map((name) => contentOf(name).toString()));
  });

  it('are asked for again without the pack of a frame that does not open, or that holds something else', async () => {
    const broken = frame(['a', 'b']);
    broken.stored[20] = (broken.stored[20] as number) ^ 1;
    const lying = frame(['c', 'd'], { lies: ['d'] });
    const { asked, reader } = readerOf([[broken, lying], [frame(['a', 'b'])], [frame(['d'])]]);
    const fetched = await reader.fetch(['a', 'b', 'c', 'd'].map(idOf));
    for (const name of ['a', 'b', 'c', 'd']) expect(fetched.get(idOf(name)).plaintext).toEqual(contentOf(name));
    expect(asked.slice(1)).toEqual([
      { ids: ['a', 'b'].map(idOf), avoid: [broken.packId] },
      { ids: [idOf('d')], avoid: [lying.packId] },
    ]);
  });

  it('that were not asked for are checked when they are', async () => {
    const { asked, reader } = readerOf([[frame(['a', 'b'], { lies: ['b'] })], [frame(['b'])]]);
    await reader.fetch([idOf('a')]);
    expect((await reader.fetch([idOf('b')])).get(idOf('b')).plaintext).toEqual(contentOf('b'));
    expect(asked).toHaveLength(2);
  });

  it('end with what opening failed with, wherever it was met', async () => {
    const failure = new HoldfastError({ kind: 'Unavailable', code: 'RESTORE_THREAD_ENDED', message: 'ended' });
    const { reader } = readerOf([[frame(['a']), frame(['b'])]], { open: () => Promise.reject(failure) });
    await expect(reader.fetch(['a', 'b'].map(idOf))).rejects.toBe(failure);
  });
});
