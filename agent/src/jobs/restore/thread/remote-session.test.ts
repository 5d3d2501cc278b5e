import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import type { ReadAnswer } from '../../data-transport.js';
import { ReadsForThread } from './reads-for-thread.js';
import { RemoteSession } from './remote-session.js';
import type { FromRestore, ToRestore } from './restore-messages.js';

const MIB = 1024 * 1024;
const ID = Buffer.alloc(32, 7);

function frame(bytes: number, fill: number): ReadAnswer {
  const head = {
    packId: Buffer.alloc(16),
    kind: 'DATA',
    entry: Buffer.from('e'),
    sealedKey: Buffer.from('k'),
  } as const;
  return { kind: 'frame', frame: { ...head, domainId: Buffer.alloc(16), stored: Buffer.alloc(bytes, fill) } };
}

/** Both ends as in two threads: what they say to each other is cloned, and memory that is handed over is gone. */
function bothEnds(read: (ids: readonly Buffer[]) => AsyncGenerator<ReadAnswer>): {
  readonly remote: RemoteSession;
  readonly reads: ReadsForThread;
} {
  const across = <T>(message: T, handed: ArrayBuffer[], hear: (message: T) => void): void => {
    const arrived = structuredClone(message, { transfer: handed });
    setImmediate(() => hear(arrived));
  };
  const reads = new ReadsForThread(
    { readChunks: (ids) => read(ids) },
    new AbortController().signal,
    (message, handed = []) =>
      across(message, handed, (arrived) => remote.hear(arrived as Exclude<ToRestore, { kind: 'stop' }>)),
  );
  const remote = new RemoteSession((message) =>
    across(message, [], (arrived: FromRestore) => {
      if (arrived.kind === 'read') reads.begin(arrived.call, arrived.ids.map(Buffer.from), []);
      else if (arrived.kind === 'taken') reads.taken(arrived.call);
      else if (arrived.kind === 'leave') reads.leave(arrived.call);
    }),
  );
  return { remote, reads };
}

describe('reading chunks through another thread', () => {
  it('delivers every answer in order, small and large', async () => {
    const { remote } = bothEnds(async function* (ids) {
      expect(ids).toEqual([ID]);
      yield frame(10, 1);
      yield { kind: 'damaged', ids: [ID], reason: 'gone' };
      yield frame(70_000, 2);
    });
    const answers = await Array.fromAsync(remote.readChunks([ID], []));
    expect(answers).toEqual([frame(10, 1), { kind: 'damaged', ids: [ID], reason: 'gone' }, frame(70_000, 2)]);
    const [first] = answers;
    expect(first?.kind === 'frame' && Buffer.isBuffer(first.frame.stored)).toBe(true);
  });

  it('reads no further ahead than a few megabytes of what is being taken', async () => {
    let given = 0;
    const { remote } = bothEnds(async function* () {
      for (; given < 100; given++) yield frame(MIB, given);
    });
    let taken = 0;
    for await (const answer of remote.readChunks([ID], [])) {
      expect(answer.kind === 'frame' && answer.frame.stored[MIB - 1]).toBe(taken);
      taken += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(given - taken).toBeLessThan(8);
    }
    expect(taken).toBe(100);
  });

  it('ends the read when nothing more of it is wanted, and waits for that when it is closed', async () => {
    let ended = false;
    const { remote, reads } = bothEnds(async function* () {
      try {
        for (;;) yield frame(MIB, 0);
      } finally {
        ended = true;
      }
    });
    for await (const _ of remote.readChunks([ID], [])) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await reads.close();
    expect(ended).toBe(true);
  });

  it('fails with what the read failed with, after what came before', async () => {
    const { remote } = bothEnds(async function* () {
      yield frame(1, 1);
      throw new HoldfastError({ kind: 'Forbidden', code: 'AGENT_REVOKED', message: 'It is revoked.' });
    });
    const seen: ReadAnswer[] = [];
    const reading = (async () => {
      for await (const answer of remote.readChunks([ID], [])) seen.push(answer);
    })();
    await expect(reading).rejects.toMatchObject({ kind: 'Forbidden', code: 'AGENT_REVOKED' });
    expect(seen).toEqual([frame(1, 1)]);
  });
});
