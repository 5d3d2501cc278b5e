import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaimLog } from './claim-log.js';
import { RecentClaims } from './recent-claims.js';

const claim = (number: number): Buffer => createHash('sha256').update(String(number)).digest();

describe('recent claims', () => {
  it('are known until two generations of others have come', () => {
    const recent = new RecentClaims(100);
    for (let number = 0; number < 100; number++) expect(recent.add(claim(number))).toBe(true);
    for (let number = 0; number < 100; number++) expect(recent.add(claim(number))).toBe(false);
    for (let number = 100; number < 200; number++) recent.add(claim(number));
    expect(recent.add(claim(199))).toBe(false);
    // Known of the generation before, and from now on of this one.
    expect(recent.add(claim(50))).toBe(false);
    for (let number = 200; number < 299; number++) recent.add(claim(number));
    expect(recent.add(claim(50))).toBe(false);
    expect(recent.add(claim(0))).toBe(true);
  });

  it('are told apart when they share a hash', () => {
    const recent = new RecentClaims(1_000);
    const sharing = Array.from({ length: 900 }, (_, number) =>
      Buffer.concat([Buffer.alloc(4), claim(number).subarray(4)]),
    );
    for (const each of sharing) expect(recent.add(each)).toBe(true);
    for (const each of sharing) expect(recent.add(Buffer.from(each))).toBe(false);
  });
});

describe('the log of claims', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-claims-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives them back in their order, and leaves nothing in the folder', () => {
    const log = new ClaimLog(join(folder, 'claims'));
    const all = Array.from({ length: 5_000 }, (_, number) => claim(number));
    for (const each of all) log.append(each);
    expect(readdirSync(folder)).toEqual([]);
    expect(log.size).toBe(5_000);
    for (const from of [0, 1, 2_047, 2_048, 4_990]) {
      expect(log.slice(from, 100).equals(Buffer.concat(all.slice(from, from + 100)))).toBe(true);
    }
    expect(log.slice(5_000, 100)).toHaveLength(0);
    log.append(claim(9));
    expect(log.slice(5_000, 100).equals(claim(9))).toBe(true);
    log.close();
    expect(() => log.append(claim(1))).toThrow('has ended');
  });
});
