import { HoldfastError } from '@holdfast/core/errors';
import { seededRandom } from '@holdfast/core/ids';
import { expect, it } from 'vitest';
import { silentLog } from '../log.js';
import { SessionLink } from './session-link.js';

const missing = new HoldfastError({ kind: 'Unavailable', code: 'STORE_MISSING', message: 'The store is not there.' });

function linkAt(onWait: (words: string) => void): SessionLink<{ close(): Promise<void>; letGo(): void }> {
  let now = 0;
  return new SessionLink(
    {
      clock: {
        now: () => now,
        monotonic: () => now,
        after: () => () => undefined,
        sleep: async (ms: number) => {
          now += ms;
        },
      },
      random: seededRandom('link'),
      log: silentLog,
      open: async () => ({ close: async () => undefined, letGo: () => undefined }),
      onWait,
    },
    { jobId: 'job', epoch: 1n },
  );
}

it('fails with a call that has no good answer for ten minutes, whatever others get, unless a part of one came', async () => {
  const link = linkAt(() => undefined);
  const { signal } = new AbortController();
  let calls = 0;
  const failing = link.attempt(signal, async () => {
    calls += 1;
    expect(await link.attempt(signal, async () => 'another call')).toBe('another call');
    throw missing;
  });
  await expect(failing).rejects.toMatchObject({
    code: 'STORE_MISSING',
    message: 'The gateway refused for ten minutes: The store is not there.',
  });
  expect(calls).toBeGreaterThan(40);
  let parts = 0;
  await link.attempt(signal, async (_opened, _again, goesOn) => {
    if (parts === 500) return;
    parts += 1;
    if (parts % 20 === 0) goesOn();
    throw missing;
  });
  expect(parts).toBe(500);
});

it.each([
  ['has to wait in order', 'RateLimited', 'UPLOAD_HAS_TO_WAIT'],
  ['is lost by its link', 'Unavailable', 'GRPC_UNAVAILABLE'],
] as const)('goes on with a call that %s, as long as others get their answers', async (_, kind, code) => {
  const link = linkAt(() => undefined);
  const { signal } = new AbortController();
  let calls = 0;
  const answer = await link.attempt(signal, async () => {
    await link.attempt(signal, async () => 'another call');
    calls += 1;
    if (calls < 500) throw new HoldfastError({ kind, code, message: 'Not now.' });
    return 'in the end';
  });
  expect(answer).toBe('in the end');
  await expect(
    link.attempt(signal, async () => {
      throw new HoldfastError({ kind, code, message: 'Not now.' });
    }),
  ).rejects.toThrow('for ten minutes: Not now.');
});

it('tells what a session waits for as long as it has to, and that it goes on', async () => {
  const told: string[] = [];
  const link = linkAt((words) => told.push(words));
  let calls = 0;
  const answer = await link.attempt(new AbortController().signal, async () => {
    calls += 1;
    if (calls < 4) throw missing;
    return calls;
  });
  expect(answer).toBe(4);
  expect(told).toEqual([missing.message, missing.message, missing.message, '']);
  await link.attempt(new AbortController().signal, async () => 'at once');
  expect(told).toHaveLength(4);
  // The first part of a long answer says it already.
  await link.attempt(new AbortController().signal, async (_, again, goesOn) => {
    if (!again) throw missing;
    goesOn();
    expect(told.slice(4)).toEqual([missing.message, '']);
  });
  expect(told).toHaveLength(6);
});
