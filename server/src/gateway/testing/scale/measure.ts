import { readFileSync } from 'node:fs';
import { systemClock } from '@holdfast/core/clock';
import { pino } from 'pino';
import { createGatewayCore } from '../../composition-root.js';
import type { GatewayCore } from '../../gateway-core.js';
import { commitSession } from '../../sessions/commit-session.js';
import { hasChunks } from '../../sessions/has-chunks.js';
import { openSession } from '../../sessions/open-session.js';
import { PackReceiver } from '../../sessions/receive-pack.js';
import type { Session } from '../../sessions/session.js';
import { openListedVaults } from '../../vault-stores/open-listed-vaults.js';
import type { TestPack } from '../uploader.fixture.js';
import { claimOf, type SyntheticVault } from './synthetic-vault.js';

/** Claims from this number on name chunks that no vault has. */
const ABSENT_FROM = 2 ** 40;

/** A gateway that serves one synthetic vault. */
export interface OpenGateway {
  readonly core: GatewayCore;
  readonly vault: SyntheticVault;
  readonly startMs: number;
  close(): void;
}

export async function openGateway(vault: SyntheticVault): Promise<OpenGateway> {
  const before = performance.now();
  const core = createGatewayCore({
    clock: systemClock,
    timers: systemClock,
    random: vault.random,
    log: pino({ level: 'silent' }),
    coordination: vault.control,
    openStore: async () => vault.store,
    openIndex: () => vault.openIndex(),
  });
  await openListedVaults(core, new AbortController().signal);
  return { core, vault, startMs: performance.now() - before, close: () => core.vaults.close() };
}

/** Anonymous memory of this process in bytes. */
export function anonymousBytes(): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

export interface Rate {
  readonly perSecond: number;
  /** What the median batch took: on a machine with other work, nearer to what it is alone. */
  readonly medianPerSecond: number;
  readonly longestTurnMs: number;
}

/** Which chunks of the vault are asked for: as they were stored, as a backup does, or any. */
export type Order = 'stored' | 'random';

/** Asks a session for `total` chunks in batches, half of them in the vault. */
export async function measureHas(
  { core, vault }: OpenGateway,
  size: { readonly chunks: number; readonly batch: number; readonly total: number; readonly order: Order },
): Promise<Rate> {
  const session = await backupSession(core, vault);
  const batches = Array.from({ length: Math.ceil(size.total / size.batch) }, () => questionOf(size));
  const turns = watchTurns();
  const took: number[] = [];
  for (const { claims, expected } of batches) {
    const before = performance.now();
    const present = await hasChunks(session, claims, core.limits, session.signal);
    took.push((performance.now() - before) / 1_000);
    if (!present.equals(expected)) throw new Error('a wrong answer');
  }
  const longestTurnMs = turns();
  core.sessions.close(session);
  const seconds = took.reduce((all, each) => all + each, 0);
  const median = took.toSorted((a, b) => a - b)[took.length >> 1] as number;
  return { perSecond: (batches.length * size.batch) / seconds, medianPerSecond: size.batch / median, longestTurnMs };
}

function questionOf({ chunks, batch, order }: { chunks: number; batch: number; order: Order }): {
  claims: Buffer;
  expected: Buffer;
} {
  const expected = Buffer.alloc(Math.ceil(batch / 8));
  const first = Math.floor(Math.random() * (chunks - batch));
  const claims = Array.from({ length: batch }, (_, place) => {
    if (place % 2 === 0) return claimOf(ABSENT_FROM + Math.floor(Math.random() * 2 ** 40));
    expected[place >>> 3] = (expected[place >>> 3] as number) | (1 << (place & 7));
    return claimOf(order === 'stored' ? first + (place >>> 1) : Math.floor(Math.random() * chunks));
  });
  return { claims: Buffer.concat(claims), expected };
}

/** The longest time for which nothing else had its turn, from now until the returned function is called. */
function watchTurns(): () => number {
  let longest = 0;
  let last = performance.now();
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  return () => {
    clearImmediate(next);
    return Math.max(longest, performance.now() - last);
  };
}

export interface Incremental {
  readonly ms: number;
  readonly processorMs: number;
}

/**
 * One incremental backup as a gateway sees it: a session, a question about what is known and what is new,
 * a pack of what is new, a pack with the node above it, and the commit. Building the packs is not counted.
 */
export async function measureIncremental(
  { core, vault }: OpenGateway,
  size: { readonly chunks: number; readonly known: number; readonly fresh: number },
): Promise<Incremental> {
  const { uploader, random } = vault;
  const fresh = Array.from({ length: size.fresh }, () => uploader.data(random.bytes(512)));
  // What an item's backup asks about again is what an earlier one of it sent.
  const first = Math.floor(Math.random() * (size.chunks - size.known));
  const known = Array.from({ length: size.known }, (_, place) => claimOf(first + place));
  const claims = Buffer.concat([...known, ...fresh.map(({ claim }) => claim)]);
  const nodes = slices(fresh, 1_000).map((part) => uploader.node(random.bytes(8).toString('hex'), part));
  const root = uploader.node(random.bytes(8).toString('hex'), nodes);
  const packs = [uploader.pack(slices(fresh, 128)), uploader.pack([[...nodes, root]])];

  const processor = process.cpuUsage();
  const before = performance.now();
  const session = await backupSession(core, vault);
  for (let at = 0; at < claims.length; at += 8_192 * 32)
    await hasChunks(session, claims.subarray(at, at + 8_192 * 32), core.limits, session.signal);
  for (const pack of packs) await upload(core, session, pack);
  const request = { root: root.id, type: 'INCREMENTAL' as const, basePointId: Buffer.alloc(0), counters: undefined };
  const outcome = await commitSession(core, session, request);
  if (outcome.kind !== 'committed') throw new Error('the backup was not committed');
  core.sessions.close(session);
  const used = process.cpuUsage(processor);
  return { ms: performance.now() - before, processorMs: (used.user + used.system) / 1_000 };
}

async function backupSession(core: GatewayCore, { control, uploader }: SyntheticVault): Promise<Session> {
  return openSession(core, uploader.agentId, control.addJob(uploader.agentId, 'backup'));
}

async function upload(core: GatewayCore, session: Session, pack: TestPack): Promise<void> {
  const receiver = await PackReceiver.start(session, { packId: pack.packId, kind: pack.kind }, core.limits);
  if (!(receiver instanceof PackReceiver)) throw new Error('the pack was there');
  for (const frame of pack.frames) await receiver.piece(frame, true);
  await receiver.finish(pack.tail.footerBytes);
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, part) => all.slice(part * size, (part + 1) * size));
}
