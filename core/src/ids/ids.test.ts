import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/index.js';
import {
  createIdSource,
  decodeGlobalId,
  decodeGlobalIdOf,
  encodeGlobalId,
  isUuid,
  seededRandom,
  systemRandom,
  uuidFromBytes,
  uuidToBytes,
} from './index.js';

describe('ids', () => {
  it('sort by the moment they were made, also inside one millisecond and when the clock goes back', () => {
    const clock = new ManualClock(1_800_000_000_000);
    const next = createIdSource({ clock, random: seededRandom('ids') });
    const made = Array.from({ length: 5_000 }, () => next());
    clock.setWallClock(1_700_000_000_000);
    made.push(next());
    clock.setWallClock(1_900_000_000_000);
    made.push(next());
    expect(made.toSorted()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
    expect(made.every((id) => isUuid(id) && id[14] === '7' && '89ab'.includes(id[19] ?? ''))).toBe(true);
  });

  it('carry the time in their first 48 bits', () => {
    const next = createIdSource({ clock: new ManualClock(0x0190_1234_5678), random: seededRandom('x') });
    expect(next().slice(0, 13)).toBe('01901234-5678');
  });

  it('turn into 16 bytes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(uuidToBytes(uuidFromBytes(bytes)).equals(bytes)).toBe(true);
      }),
    );
    expect(() => uuidToBytes('0190-1234')).toThrowError(expect.objectContaining({ kind: 'Validation' }));
    expect(() => uuidFromBytes(new Uint8Array(15))).toThrowError(expect.objectContaining({ kind: 'Validation' }));
  });
});

describe('global ids', () => {
  const uuid = '01901234-5678-7abc-8def-0123456789ab';

  it('name the type and the object', () => {
    const id = encodeGlobalId('Vault', uuid);
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(decodeGlobalId(id)).toEqual({ type: 'Vault', uuid });
    expect(decodeGlobalIdOf('Vault', id)).toBe(uuid);
    expect(() => decodeGlobalIdOf('Job', id)).toThrowError(expect.objectContaining({ code: 'WRONG_ID_TYPE' }));
  });

  it('are refused when anybody but the server made them', () => {
    const good = encodeGlobalId('Vault', uuid);
    const forged = [
      '',
      'x',
      `${good}=`,
      `${good}A`,
      encodeGlobalId('vault', uuid),
      encodeGlobalId('Vault', uuid.toUpperCase()),
      'A'.repeat(10_000),
    ];
    for (const id of forged)
      expect(() => decodeGlobalId(id)).toThrowError(expect.objectContaining({ kind: 'Validation' }));
  });
});

describe('randomness', () => {
  it('repeats for a seed, whatever pieces it is drawn in', () => {
    const whole = seededRandom('s').bytes(100);
    const source = seededRandom('s');
    expect(Buffer.concat([source.bytes(1), source.bytes(50), source.bytes(49)]).equals(whole)).toBe(true);
    expect(seededRandom('t').bytes(100).equals(whole)).toBe(false);
  });

  it('of the system does not repeat', () => {
    expect(systemRandom.bytes(32).equals(systemRandom.bytes(32))).toBe(false);
  });
});
