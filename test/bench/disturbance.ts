/** How busy the machine was with what does not belong to the race: figures from a busy machine are not worth reading. */
import fs from 'node:fs';
import os from 'node:os';
import type { Measurement } from './contenders/contender.js';
import { sum, TICKS_PER_SECOND } from './usage.js';

/** Above this share of all CPU time the reader is warned. */
export const DISTURBED = 0.1;

/** Of the whole machine, with what the host of a virtual machine took away. */
function busySeconds(): number {
  const [line = ''] = fs.readFileSync('/proc/stat', 'latin1').split('\n', 1);
  // cpu, user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen
  const ticks = line.split(/ +/).filter((_, column) => [1, 2, 3, 6, 7, 8].includes(column));
  return ticks.reduce((total, value) => total + Number(value), 0) / TICKS_PER_SECOND;
}

/** Adds the share of all CPU time, 0 to 1, that neither the measured work nor this process used meanwhile. */
export async function watchingOthers<T extends Measurement>(work: () => Promise<T>): Promise<T & { others: number }> {
  const before = { busy: busySeconds(), own: process.cpuUsage(), at: performance.now() };
  const measurement = await work();
  const { user, system } = process.cpuUsage(before.own);
  const others = busySeconds() - before.busy - (user + system) / 1e6 - sum(measurement.cpu);
  const capacity = ((performance.now() - before.at) / 1000) * os.availableParallelism();
  return { ...measurement, others: Math.min(1, Math.max(0, others / capacity)) };
}
