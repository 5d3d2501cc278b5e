/** What was measured, as the JSON file has it: bytes, seconds, and ratios of medians. */
import type { Measurement } from './contenders/contender.js';
import { sum } from './usage.js';

export interface Summary {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly cpu: Readonly<Record<string, number>>;
  readonly cpuAfterwards?: number;
  readonly others?: number;
  readonly rssBytes: number;
  readonly rss: Readonly<Record<string, number>>;
  readonly stored?: number;
  readonly allocated?: number;
  readonly rounds: readonly Measurement[];
}

/** speed: the peer's seconds / ours. cpu, rss, stored: ours / the peer's. null where there is nothing to compare. */
export interface Ratio {
  readonly speed: number | null;
  readonly cpu: number | null;
  readonly rss: number | null;
  readonly stored: number | null;
}

export interface CaseResult {
  readonly name: string;
  readonly dataset: string;
  /** Bytes and files of the dataset. */
  readonly bytes: number;
  readonly files: number;
  readonly ours: Summary;
  readonly peers: Readonly<Record<string, Summary>>;
  readonly ratio: Readonly<Record<string, Ratio>>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('a median of nothing');
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Medians over the rounds, each figure for itself. */
export function summarize(rounds: readonly Measurement[]): Summary {
  const optional = (read: (round: Measurement) => number | undefined): number | undefined => {
    const values = rounds.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const each = (read: (round: Measurement) => Readonly<Record<string, number>>): Record<string, number> => {
    const names = new Set(rounds.flatMap((round) => Object.keys(read(round))));
    return Object.fromEntries([...names].map((name) => [name, median(rounds.map((round) => read(round)[name] ?? 0))]));
  };
  return {
    seconds: median(rounds.map(({ seconds }) => seconds)),
    cpuSeconds: median(rounds.map(({ cpu }) => sum(cpu))),
    cpu: each(({ cpu }) => cpu),
    cpuAfterwards: optional(({ cpuAfterwards }) => cpuAfterwards),
    others: optional(({ others }) => others),
    rssBytes: median(rounds.map(({ rss }) => sum(rss))),
    rss: each(({ rss }) => rss),
    stored: optional(({ stored }) => stored),
    allocated: optional(({ allocated }) => allocated),
    rounds,
  };
}

export function compare(ours: Summary, peer: Summary): Ratio {
  return {
    speed: quotient(peer.seconds, ours.seconds),
    cpu: quotient(ours.cpuSeconds, peer.cpuSeconds),
    rss: quotient(ours.rssBytes, peer.rssBytes),
    stored: quotient(ours.stored, peer.stored),
  };
}

function quotient(above: number | undefined, below: number | undefined): number | null {
  if (above === undefined || below === undefined || below <= 0) return null;
  return Math.round((above / below) * 1000) / 1000;
}
