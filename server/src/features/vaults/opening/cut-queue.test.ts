import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import { CutQueue } from './cut-queue.js';

const gone = new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'Gone.' });
const { signal: never } = new AbortController();

/** A queue in which a first piece of work is under way, and what was done in it so far. */
function busyQueue() {
  const queue = new CutQueue();
  const done: string[] = [];
  let release: () => void = () => undefined;
  const first = queue.run('first', never, () => new Promise<void>((resolve) => (release = resolve)));
  const add = (agentId: string, name: string, over = never) =>
    queue.run(agentId, over, async () => {
      done.push(name);
      if (name === 'fails') throw gone;
    });
  return { queue, done, add, first, release: () => release() };
}

describe('frames that wait to be cut', () => {
  it('are cut one at a time, one of each agent in turn, whoever has more of them', async () => {
    const { done, add, first, release } = busyQueue();
    const all = [first, add('a', 'a1'), add('a', 'a2'), add('a', 'a3'), add('b', 'b1'), add('c', 'c1'), add('b', 'b2')];
    expect(done).toEqual([]);
    release();
    await Promise.all(all);
    expect(done).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('are left out once nobody waits for them, at once and without holding others up', async () => {
    const { done, add, first, release } = busyQueue();
    const [left, later] = [new AbortController(), new AbortController()];
    const only = add('a', 'a1', left.signal);
    const kept = [add('b', 'b1'), add('b', 'b3')];
    const second = add('b', 'b2', left.signal);
    left.abort(gone);
    await expect(only).rejects.toBe(gone);
    await expect(second).rejects.toBe(gone);
    await expect(add('a', 'a2', left.signal)).rejects.toBe(gone);
    kept.push(add('a', 'a3', later.signal));
    release();
    await Promise.all([first, ...kept]);
    later.abort(gone);
    expect(done).toEqual(['b1', 'a3', 'b3']);
  });

  it('go on after one that fails, and later ones begin at once', async () => {
    const { queue, done, add, first, release } = busyQueue();
    const [fails, next] = [add('a', 'fails'), add('a', 'a2')];
    release();
    await expect(fails).rejects.toBe(gone);
    await Promise.all([first, next]);
    expect(await queue.run('a', never, async () => 'at once')).toBe('at once');
    expect(done).toEqual(['fails', 'a2']);
  });
});
