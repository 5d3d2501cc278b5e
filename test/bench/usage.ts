/**
 * What processes cost, read from /proc. CPU seconds are user plus system time of all threads; the clock ticks 100 times
 * a second (USER_HZ, fixed on Linux). Memory is VmHWM, the kernel's own high-water mark.
 */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 100;

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Of itself and of its children that have ended and were waited for. */
  readonly cpuSeconds: number;
}

/** undefined once the process is gone. */
function readProcess(pid: number): ProcessFacts | undefined {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name stands in brackets and may itself hold brackets and blanks.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return {
    pid,
    parent: Number(fields[1]),
    name: stat.slice(stat.indexOf('(') + 1, end),
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

export interface Peak {
  readonly pid: number;
  readonly name: string;
  readonly bytes: number;
}

function peakBytes(pid: number): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Sets VmHWM back to what the process has now. */
function resetPeak(pid: number): void {
  try {
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** `roots` and everything below them, each with the root that it belongs to: the nearest one. */
function processesBelow(roots: ReadonlySet<number>): Array<ProcessFacts & { root: number }> {
  const all = new Map<number, ProcessFacts>();
  for (const name of fs.readdirSync('/proc')) {
    const facts = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (facts !== undefined) all.set(facts.pid, facts);
  }
  const rootOf = (pid: number): number | undefined => {
    for (let at = all.get(pid); at !== undefined; at = all.get(at.parent)) {
      if (roots.has(at.pid)) return at.pid;
    }
    return undefined;
  };
  return [...all.values()].flatMap((facts) => {
    const root = rootOf(facts.pid);
    return root === undefined ? [] : [{ ...facts, root }];
  });
}

/** CPU seconds of the children that this process has waited for, with everything that they waited for. */
export function endedChildrenCpuSeconds(): number {
  const stat = fs.readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Long-running processes and what they start, under names of our choice. */
export class ProcessFamily {
  readonly #names: ReadonlyMap<number, string>;

  constructor(pids: Readonly<Record<string, number>>) {
    this.#names = new Map(Object.entries(pids).map(([name, pid]) => [pid, name]));
  }

  /** Since their start; a difference of two readings is what lies between. */
  cpuSeconds(): Record<string, number> {
    const result = Object.fromEntries([...this.#names.values()].map((name) => [name, 0]));
    for (const { root, cpuSeconds } of processesBelow(new Set(this.#names.keys()))) {
      const name = this.#names.get(root) ?? '';
      result[name] = (result[name] ?? 0) + cpuSeconds;
    }
    return result;
  }

  /** How many processes it is. */
  size(): number {
    return processesBelow(new Set(this.#names.keys())).length;
  }

  resetPeaks(): void {
    for (const { pid } of processesBelow(new Set(this.#names.keys()))) resetPeak(pid);
  }

  peaks(): Peak[] {
    const found = processesBelow(new Set(this.#names.keys()));
    return found.map(({ pid, root }) => ({ pid, name: this.#names.get(root) ?? '', bytes: peakBytes(pid) }));
  }
}

/** Peaks of `root` and everything below it, under the names of the programs. */
export function peaksOfTree(root: number, prefix = ''): Peak[] {
  return processesBelow(new Set([root])).map(({ pid, name }) => ({
    pid,
    name: `${prefix}${name}`,
    bytes: peakBytes(pid),
  }));
}

/** Follows peaks until `work` is done; answers each name's sum over its processes, in bytes. */
export async function watchingPeaks<T>(
  read: () => readonly Peak[],
  work: () => Promise<T>,
): Promise<{ result: T; rss: Record<string, number> }> {
  const peaks = new Map<number, Peak>();
  const sample = (): void => {
    for (const peak of read()) {
      if (peak.bytes > (peaks.get(peak.pid)?.bytes ?? 0)) peaks.set(peak.pid, peak);
    }
  };
  const timer = setInterval(sample, SAMPLE_MS);
  try {
    const result = await work();
    sample();
    const rss: Record<string, number> = {};
    for (const { name, bytes } of peaks.values()) rss[name] = (rss[name] ?? 0) + bytes;
    return { result, rss };
  } finally {
    clearInterval(timer);
  }
}

const QUIET_WINDOW_MS = 500;
const QUIET_CPU_SECONDS = 0.025;
const QUIET_PATIENCE_MS = 60_000;

/** Waits until the family does nothing worth mentioning: below 5 % of a core for half a second. A minute at most. */
export async function untilQuiet(family: ProcessFamily, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + QUIET_PATIENCE_MS;
  let before = sum(family.cpuSeconds());
  while (performance.now() < deadline) {
    await sleep(QUIET_WINDOW_MS, undefined, { signal });
    const now = sum(family.cpuSeconds());
    if (now - before <= QUIET_CPU_SECONDS) return;
    before = now;
  }
}

export function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
