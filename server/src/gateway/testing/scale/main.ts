/**
 * Measures a gateway over synthetic vaults: `FOLDER CHUNKS...` makes what is missing of them in the folder,
 * and then measures each in a process of its own, and incrementals of all side by side. With `--one` it is
 * such a process.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { anonymousBytes, type Incremental, measureHas, measureIncremental, openGateway } from './measure.js';
import { fillVault, syntheticVault } from './synthetic-vault.js';

const POINTS = 1_000;
const BATCHES = [500, 1_000, 8_192];
const ORDERS = ['stored', 'random'] as const;
const LOOKUPS = 400_000;
const ROUNDS = 30;
const INCREMENTALS = [
  { known: 4_096, fresh: 100 },
  { known: 4_096, fresh: 2_000 },
];

const [first, ...rest] = process.argv.slice(2);
if (first === '--one') await measureOne(rest[0] as string, Number(rest[1]));
else await measureAll(first as string, rest.map(Number));

async function measureAll(folder: string, sizes: readonly number[]): Promise<void> {
  for (const chunks of sizes) {
    const place = join(folder, String(chunks));
    if (existsSync(join(place, 'filled'))) continue;
    const before = performance.now();
    await fillVault(await syntheticVault(place), { chunks, points: POINTS });
    say(chunks, 'made in', ((performance.now() - before) / 1_000).toFixed(0), 's');
  }
  for (const chunks of sizes) {
    const own = [
      ...process.execArgv,
      ...process.argv.slice(1, 2),
      '--one',
      join(folder, String(chunks)),
      String(chunks),
    ];
    const { status } = spawnSync(process.execPath, own, { stdio: 'inherit' });
    if (status !== 0) throw new Error('a measurement failed');
  }
  await measureIncrementals(folder, sizes);
}

async function measureOne(place: string, chunks: number): Promise<void> {
  const empty = anonymousBytes();
  const gateway = await openGateway(await syntheticVault(place));
  say(chunks, 'started in', gateway.startMs.toFixed(0), 'ms');
  for (const order of ORDERS) {
    for (const batch of BATCHES) {
      const asked = { chunks, batch, total: LOOKUPS, order };
      const { perSecond, medianPerSecond, longestTurnMs } = await measureHas(gateway, asked);
      const rates = `${perSecond.toFixed(0)} a second, ${medianPerSecond.toFixed(0)} in the median batch`;
      say(
        chunks,
        `look-ups in ${order} order, ${batch} at once: ${rates}, longest turn ${longestTurnMs.toFixed(0)} ms`,
      );
    }
  }
  say(chunks, 'anonymous memory', mib(anonymousBytes()), 'MiB, of which before the start', mib(empty));
  gateway.close();
}

/** Side by side and in turns, so that whatever else the machine does meets all of them. */
async function measureIncrementals(folder: string, sizes: readonly number[]): Promise<void> {
  const gateways = [];
  for (const chunks of sizes)
    gateways.push({ chunks, gateway: await openGateway(await syntheticVault(join(folder, String(chunks)))) });
  for (const size of INCREMENTALS) {
    const took = new Map<number, Incremental[]>(sizes.map((chunks) => [chunks, []]));
    for (let round = 0; round < ROUNDS; round++)
      for (const { chunks, gateway } of gateways)
        took.get(chunks)?.push(await measureIncremental(gateway, { chunks, ...size }));
    for (const [chunks, all] of took) {
      const ms = median(all.map((each) => each.ms)).toFixed(1);
      const processorMs = median(all.map((each) => each.processorMs)).toFixed(1);
      say(
        chunks,
        'incremental of',
        size.fresh,
        'new chunks and',
        size.known,
        'known:',
        ms,
        'ms, processor',
        processorMs,
        'ms',
      );
    }
  }
  for (const { gateway } of gateways) gateway.close();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

function say(chunks: number, ...words: readonly (string | number)[]): void {
  process.stdout.write(`${String(chunks).padStart(10)} chunks: ${words.join(' ')}\n`);
}
