import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import { VerifyQueue, type VerifyTurn } from './verify-queue.js';

const turn = (over: Partial<VerifyTurn> = {}): VerifyTurn => ({
  lane: 'urgent',
  domainId: 'domain',
  askerId: 'asker',
  uploaderId: 'uploader',
  ...over,
});

const cancelled = (message: string) => new HoldfastError({ kind: 'Cancelled', code: 'OVER', message });

/** The order in which one worker takes what has come while it was busy. */
async function orderOf(
  waiting: readonly (readonly [name: string, turn: VerifyTurn])[],
  queue = new VerifyQueue(1),
): Promise<string> {
  const order: string[] = [];
  const busy = Promise.withResolvers<void>();
  const first = queue.run(turn({ domainId: 'before', askerId: 'before' }), () => busy.promise);
  const rest = waiting.map(([name, each]) => queue.run(each, async () => void order.push(name)));
  busy.resolve();
  await Promise.all([first, ...rest]);
  return order.join(' ');
}

const many = (name: string, of: Partial<VerifyTurn>): [string, VerifyTurn][] =>
  [1, 2, 3, 4].map((count) => [`${name}${count}`, turn(of)]);

describe('the queue for verification', () => {
  it('lets domains take turns, whoever asked first and however much', async () => {
    const waiting = [...many('a', { domainId: 'a' }), ...many('b', { domainId: 'b' })];
    expect(await orderOf(waiting)).toBe('a1 b1 a2 b2 a3 b3 a4 b4');
  });

  it('lets those who ask take turns within a domain, and for each the uploaders', async () => {
    expect(await orderOf([...many('a', { askerId: 'a' }), ['b', turn({ askerId: 'b' })]])).toBe('a1 b a2 a3 a4');
    expect(await orderOf([...many('a', { uploaderId: 'a' }), ['b', turn({ uploaderId: 'b' })]])).toBe('a1 b a2 a3 a4');
  });

  it('takes what somebody waits for first, and what suspects sent in last', async () => {
    const queue = new VerifyQueue(1);
    queue.suspect('liar');
    const waiting: [string, VerifyTurn][] = [
      ['liar-patient', turn({ lane: 'patient', uploaderId: 'liar', domainId: 'a' })],
      ['liar', turn({ uploaderId: 'liar', domainId: 'b' })],
      ['patient', turn({ lane: 'patient', domainId: 'c' })],
      ['urgent', turn({ domainId: 'd' })],
    ];
    expect(await orderOf(waiting, queue)).toBe('urgent patient liar liar-patient');
  });

  it.each([['patient'], ['urgent']] as const)(
    'keeps nothing waiting for ever behind what others ask for: a second look (%s, of a suspect) has its turn in each domain',
    async (lane) => {
      const queue = new VerifyQueue(1);
      queue.suspect('liar');
      const order: string[] = [];
      const rest: Promise<unknown>[] = [];
      const urgent = (domainId: string) =>
        queue.run(turn({ domainId, askerId: 'flood' }), async () => {
          order.push('urgent');
          // Whoever floods the queue asks again at once.
          if (order.length < 200) rest.push(urgent(domainId));
        });
      for (let each = 0; each < 20; each += 1) rest.push(urgent('a'), urgent('b'));
      for (const domainId of ['a', 'b'])
        rest.push(
          queue.run(turn({ lane, domainId, askerId: 'second look', uploaderId: 'liar' }), async () => {
            order.push(domainId);
          }),
        );
      await Promise.all(rest);
      expect(order.indexOf('a')).toBeLessThan(40);
      expect(order.indexOf('b')).toBeLessThan(40);
    },
  );

  it('is left at once by whoever no longer waits, who takes no turn and costs nobody else theirs', async () => {
    const queue = new VerifyQueue(1);
    const busy = Promise.withResolvers<void>();
    const first = queue.run(turn(), () => busy.promise);
    const order: string[] = [];
    const work = (name: string) => async () => void order.push(name);
    const over = new AbortController();
    const left = queue.run(turn({ askerId: 'a' }), work('left'), over.signal);
    const stays = queue.run(turn({ askerId: 'b' }), work('stays'), new AbortController().signal);
    over.abort(cancelled('over'));
    await expect(left).rejects.toThrow('over');
    expect(order).toEqual([]);
    // Whose turn has come when he leaves passes it on.
    const late = new AbortController();
    const leaving = queue.run(turn({ askerId: 'a' }), work('late'), late.signal);
    busy.resolve();
    await first;
    late.abort(cancelled('late'));
    await expect(leaving).rejects.toThrow('late');
    await stays;
    await expect(queue.run(turn(), work('never'), late.signal)).rejects.toThrow('late');
    await queue.run(turn(), work('free'));
    expect(order).toEqual(['stays', 'free']);
  });

  it('has as many at work as it has workers, also after some have failed', async () => {
    const queue = new VerifyQueue(2);
    let [running, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      throw new Error('failed');
    };
    const results = await Promise.allSettled(Array.from({ length: 9 }, () => queue.run(turn(), work)));
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect([running, most]).toEqual([0, 2]);
  });
});
