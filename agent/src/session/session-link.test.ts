import { HoldfastError } from '@holdfast/core/errors';
import { seededRandom } from '@holdfast/core/ids';
import { expect, it } from 'vitest';
import { silentLog } from '../log.js';
import { SessionLink } from './session-link.js';

const missing = new HoldfastError({ kind: 'Unavailable', code: 'STORE_MISSING', message: 'The store is not there.' });

it('tells what a session waits for as long as it has to, and that it goes on', async () => {
  const told: string[] = [];
  let now = 0;
  const link = new SessionLink(
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
      onWait: (words) => told.push(words),
    },
    { jobId: 'job', epoch: 1n },
  );
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
  await link.attempt(new AbortController().signal, async (_, again) => {
    if (!again) throw missing;
    link.goesOn();
    expect(told.slice(4)).toEqual([missing.message, '']);
  });
  expect(told).toHaveLength(6);
});
