import { describe, expect, it } from 'vitest';
import { planBase } from './plan-base.js';

const cache = (pointId: string, over = {}) => ({
  pointId,
  generation: '3',
  domainId: 'd',
  damage: 'none',
  file: `${pointId}.changes`,
  ...over,
});
const ask = (over = {}) => ({
  type: 'INCREMENTAL' as const,
  lastPointId: 'p2',
  lastFullPointId: 'p1',
  cacheGeneration: 3n,
  domainId: 'd',
  damage: 'none',
  ...over,
});

describe('what a backup compares with', () => {
  it('is nothing for a FULL one', () => {
    expect(planBase(ask({ type: 'FULL' }), { last: cache('p2') })).toEqual({
      type: 'FULL',
      basePointId: undefined,
      cache: undefined,
      typeReason: '',
    });
  });

  it('is the last point for INCREMENTAL and the last full one for DIFFERENTIAL', () => {
    const caches = { last: cache('p2'), full: cache('p1') };
    expect(planBase(ask(), caches)).toMatchObject({
      type: 'INCREMENTAL',
      basePointId: 'p2',
      cache: { file: 'p2.changes' },
      typeReason: '',
    });
    expect(planBase(ask({ type: 'DIFFERENTIAL' }), caches)).toMatchObject({
      type: 'DIFFERENTIAL',
      basePointId: 'p1',
      cache: { file: 'p1.changes' },
    });
    expect(planBase(ask({ lastPointId: 'p1' }), { full: cache('p1') })).toMatchObject({
      cache: { file: 'p1.changes' },
    });
  });

  it('is missing on the server: the backup becomes FULL and says why', () => {
    expect(planBase(ask({ lastPointId: undefined }), {})).toMatchObject({
      type: 'FULL',
      basePointId: undefined,
      typeReason: expect.stringContaining('no earlier recovery point') as string,
    });
    expect(planBase(ask({ type: 'DIFFERENTIAL', lastFullPointId: undefined }), {})).toMatchObject({
      type: 'FULL',
      typeReason: expect.stringContaining('full recovery point') as string,
    });
  });

  it('has no valid cache here: the type stays, everything is read, and it says so', () => {
    for (const caches of [
      {},
      { last: cache('p0') },
      { last: cache('p2', { generation: '2' }) },
      { last: cache('p2', { domainId: 'e' }) },
      { last: cache('p2', { damage: 'some' }) },
    ]) {
      expect(planBase(ask(), caches)).toMatchObject({
        type: 'INCREMENTAL',
        basePointId: 'p2',
        cache: undefined,
        typeReason: expect.stringContaining('Everything was read') as string,
      });
    }
  });
});
