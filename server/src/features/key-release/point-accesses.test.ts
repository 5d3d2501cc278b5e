import { expect, it } from 'vitest';
import { PointAccesses } from './point-accesses.js';

const access = { vaultId: 'v', domainId: 'd', privateKey: Buffer.alloc(32), idKey: Buffer.alloc(32) };

it('keeps what opens a point for its very attempt, and not for long', () => {
  const accesses = new PointAccesses();
  accesses.set({ jobId: 'a', epoch: 1 }, access, 1_000);
  expect(accesses.get({ jobId: 'a', epoch: 1 }, 30_999)).toBe(access);
  expect(accesses.get({ jobId: 'a', epoch: 2 }, 1_000)).toBeUndefined();
  expect(accesses.get({ jobId: 'b', epoch: 1 }, 1_000)).toBeUndefined();
  expect(accesses.get({ jobId: 'a', epoch: 1 }, 31_000)).toBeUndefined();
  accesses.set({ jobId: 'a', epoch: 1 }, access, 1_000);
  accesses.forget({ jobId: 'a', epoch: 1 });
  expect(accesses.get({ jobId: 'a', epoch: 1 }, 1_000)).toBeUndefined();
});

it('keeps few', () => {
  const accesses = new PointAccesses();
  for (let job = 0; job < 100; job++) accesses.set({ jobId: String(job), epoch: 1 }, access, job);
  const kept = Array.from({ length: 100 }, (_, job) => accesses.get({ jobId: String(job), epoch: 1 }, 100));
  expect(kept.map((each) => each !== undefined)).toEqual(Array.from({ length: 100 }, (_, job) => job >= 36));
  // Others that are over go with the next.
  accesses.set({ jobId: 'late', epoch: 1 }, access, 60_000);
  expect(accesses.get({ jobId: '99', epoch: 1 }, 100)).toBeUndefined();
});
