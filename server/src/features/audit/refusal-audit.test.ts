import { ManualClock } from '@holdfast/core/clock';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../access/domain/principal.js';
import type { AuditEntry, AuditOrigin } from './ports.js';
import { FULL_ROWS, KINDS, RefusalAudit, SUMMARY_MS } from './refusal-audit.js';

const ANN: Principal = { kind: 'user', userId: 'u-ann', name: 'ann' };
const START = Date.UTC(2027, 0, 1);
let clock: ManualClock;
let audit: RefusalAudit;
let rows: { origin: AuditOrigin; entry: AuditEntry }[];
let broken: boolean;

beforeEach(() => {
  clock = new ManualClock(START);
  rows = [];
  broken = false;
  audit = new RefusalAudit({
    clock,
    timers: clock,
    log: pino({ level: 'silent' }),
    async write(origin, entry) {
      if (broken) throw new Error('the database is away');
      rows.push({ origin, entry });
    },
  });
});

const refuse = (principal: Principal, change: Partial<AuditEntry> = {}, address?: string): Promise<void> =>
  audit.record(
    { principal, ...(address === undefined ? {} : { address }) },
    { action: 'createUser', outcome: 'REFUSED', reason: 'FORBIDDEN', ...change },
  );
async function many(times: number, run: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < times; index += 1) await run(index);
}

describe('refusals in the audit log', () => {
  it('stand there one by one at first, then as one row with how many, from when and until when', async () => {
    await many(FULL_ROWS, () => refuse(ANN));
    expect(rows.every(({ entry }) => entry.repeated === undefined)).toBe(true);
    await clock.advance(1_000);
    await many(1_000, () => refuse(ANN));
    await clock.advance(2_000);
    await refuse(ANN);
    expect(rows).toHaveLength(FULL_ROWS);
    await clock.advance(SUMMARY_MS);
    expect(rows.slice(FULL_ROWS).map(({ entry }) => entry)).toEqual([
      {
        action: 'createUser',
        outcome: 'REFUSED',
        reason: 'FORBIDDEN',
        repeated: { count: 1_001, firstAt: START + 1_000, lastAt: START + 3_000 },
      },
    ]);
  });

  it('keep the first of another kind in full also after a flood, and what all of a kind were about', async () => {
    const target = { type: 'Vault', id: 'v1' };
    await many(500, () => refuse(ANN));
    await refuse(ANN, { action: 'triggerRestore', target });
    expect(rows.at(-1)?.entry).toMatchObject({ action: 'triggerRestore', target });
    await many(3, () => refuse(ANN, { action: 'triggerRestore', target }));
    await many(3, (index) => refuse(ANN, { action: 'deleteVault', target: { type: 'Vault', id: `v${index}` } }));
    await audit.flush();
    const counted = rows.filter(({ entry }) => entry.repeated !== undefined);
    expect(counted.map(({ entry }) => [entry.action, entry.repeated?.count, entry.target?.id])).toEqual([
      ['createUser', 480, undefined],
      ['triggerRestore', 3, 'v1'],
      ['deleteVault', 2, undefined],
    ]);
  });

  it('cannot hide one of another kind behind many dull kinds, with the one or with another token', async () => {
    await many(KINDS - 1, (index) => refuse({ ...ANN, tokenId: 't' }, { action: `dull${index}` }));
    await many(500, (index) => refuse(ANN, { action: `dull${index % 3}` }));
    const target = { type: 'Vault', id: 'v1' };
    await refuse({ ...ANN, tokenId: 't' }, { action: 'deleteVault', target });
    await refuse({ ...ANN, tokenId: 't' }, { action: 'deleteVault', target });
    await audit.flush();
    const told = rows.filter(({ entry }) => entry.action === 'deleteVault');
    expect(told.reduce((sum, { entry }) => sum + (entry.repeated?.count ?? 1), 0)).toBe(2);
  });

  it('beyond the kinds that are told apart say which actions and reasons there were, and how many of each', async () => {
    await many(KINDS, (index) => refuse({ ...ANN, tokenId: `t${index}` }, { target: { type: 'Vault', id: 'v' } }));
    const target = { type: 'Vault', id: 'v1' };
    await many(3, (index) =>
      refuse({ ...ANN, tokenId: `more${index}` }, { action: 'deleteVault', target }, '192.0.2.1'),
    );
    await refuse(ANN, { action: 'deleteVault', reason: 'HIDDEN', target }, '192.0.2.1');
    await refuse(ANN, { action: 'deleteVault', reason: 'HIDDEN', target }, '192.0.2.2');
    expect(rows).toHaveLength(KINDS);
    await audit.flush();
    const at = { firstAt: START, lastAt: START };
    const what = { action: 'deleteVault', outcome: 'REFUSED' };
    expect(rows.slice(KINDS)).toEqual([
      {
        origin: { principal: ANN, address: '192.0.2.1' },
        entry: { ...what, reason: 'FORBIDDEN', repeated: { count: 3, ...at } },
      },
      { origin: { principal: ANN }, entry: { ...what, reason: 'HIDDEN', repeated: { count: 2, ...at } } },
    ]);
  });

  it('cannot be made many by asking for many things, with many tokens, for a day', async () => {
    const actions = 11;
    for (let hour = 0; hour < 24; hour += 1) {
      await many(2_000, (index) =>
        refuse({ ...ANN, tokenId: `t${index % 50}` }, { action: `action${index % actions}` }),
      );
      await clock.advance(3_600_000);
    }
    await audit.stop();
    const inFull = rows.filter(({ entry }) => entry.repeated === undefined).length;
    expect(inFull).toBeLessThanOrEqual(24 * (FULL_ROWS + KINDS));
    expect(rows.length - inFull).toBeLessThanOrEqual(24 * (KINDS + actions));
    const counted = rows.reduce((sum, { entry }) => sum + (entry.repeated?.count ?? 1), 0);
    expect(counted).toBe(24 * 2_000);
  });

  it('of one caller hide none of another', async () => {
    await many(500, () => refuse(ANN));
    await refuse({ kind: 'user', userId: 'u-bob', name: 'bob' });
    await refuse({ kind: 'agent', agentId: 'a' }, { action: 'connectAgent' });
    await refuse({ kind: 'anonymous' }, { action: 'signIn' }, '192.0.2.1');
    expect(rows).toHaveLength(FULL_ROWS + 3);
  });

  it('of strangers are counted by network, and of very many strangers together', async () => {
    await many(100, (index) => refuse({ kind: 'anonymous' }, { action: 'signIn' }, `2001:db8::${index + 1}`));
    expect(rows).toHaveLength(FULL_ROWS);
    rows.length = 0;
    await many(5_000, (index) =>
      refuse({ kind: 'anonymous' }, { action: 'signIn' }, `10.0.${index >> 8}.${index & 255}`),
    );
    expect(rows.length).toBeLessThan(600);
    await audit.flush();
    expect(rows.length).toBeLessThan(600);
    expect(rows.at(-1)?.entry.repeated?.count).toBeGreaterThan(4_000);
  });

  it('are written in full again once it was quiet, and nothing is left waiting', async () => {
    await many(100, () => refuse(ANN));
    for (let minutes = 0; minutes < 40; minutes += 1) await clock.advance(60_000);
    expect(clock.waiting).toBe(0);
    rows.length = 0;
    await many(FULL_ROWS, () => refuse(ANN));
    expect(rows).toHaveLength(FULL_ROWS);
  });

  it('that are counted and not yet written are written at the end', async () => {
    await many(30, () => refuse(ANN));
    await audit.stop();
    expect(rows.at(-1)?.entry.repeated).toMatchObject({ count: 30 - FULL_ROWS });
    expect(clock.waiting).toBe(0);
  });

  it('are kept while the database is away', async () => {
    await many(30, () => refuse(ANN));
    broken = true;
    await clock.advance(SUMMARY_MS);
    await many(FULL_ROWS, () => refuse(ANN).catch(() => undefined));
    await many(5, () => refuse(ANN));
    broken = false;
    await audit.flush();
    const counted = rows.filter(({ entry }) => entry.repeated !== undefined);
    expect(counted.map(({ entry }) => entry.repeated)).toEqual([
      { count: 10 + FULL_ROWS + 5, firstAt: START, lastAt: START + SUMMARY_MS },
    ]);
  });
});
