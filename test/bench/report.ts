/** The table for people. */
import { DISTURBED } from './disturbance.js';
import { type Floor, GIB } from './floor.js';
import type { CaseResult, Summary } from './results.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const HEAD = ['case', 'who', 'seconds', 'CPU s', 'peak RSS', 'stored', 'x floor', 'speed', 'cpu', 'rss', 'stored'];

/** One row per contender; a peer's ratios stand in its row. */
export function formatTable(cases: readonly CaseResult[], floor: Floor): string {
  const rows = cases.flatMap(({ name, bytes, ours, peers, ratio }) => {
    const lowest = floor.secondsPerGiB * (bytes / GIB);
    return [
      [name, 'holdfast', ...figures(ours, lowest), '', '', '', ''],
      ...Object.entries(peers).map(([peer, summary]) => {
        const { speed, cpu, rss, stored } = ratio[peer] ?? {};
        return [
          '',
          peer,
          ...figures(summary, lowest),
          ...[speed, cpu, rss, stored].map((value) => value?.toFixed(2) ?? ''),
        ];
      }),
    ];
  });
  const ours = "speed: the peer's seconds / ours. cpu, rss, stored: ours / the peer's. x floor: seconds / the floor's.";
  return `${align([HEAD, ...rows], 2)}\n${ours}`;
}

function figures(summary: Summary, lowest: number): string[] {
  return [
    summary.seconds.toFixed(2),
    summary.cpuSeconds.toFixed(2),
    formatBytes(summary.rssBytes),
    summary.stored === undefined ? '' : formatBytes(summary.stored),
    (summary.seconds / lowest).toFixed(1),
  ];
}

/** undefined when the machine was left in peace. */
export function formatDisturbance(cases: readonly CaseResult[]): string | undefined {
  const disturbed = cases.flatMap(({ name, ours, peers }) =>
    Object.entries({ holdfast: ours, ...peers }).flatMap(([who, { others }]) =>
      others === undefined || others <= DISTURBED ? [] : [`${name} ${who} ${Math.round(others * 100)} %`],
    ),
  );
  if (disturbed.length === 0) return undefined;
  return `DISTURBED: other processes used much of the CPU time meanwhile, so these seconds say little: ${disturbed.join(', ')}`;
}

/** What each of our processes had, so that the next person sees where the time goes. */
export function formatProcesses(cases: readonly CaseResult[], floor: Floor): string {
  const rows = cases.flatMap(({ name, bytes, ours }) =>
    [...Object.entries(ours.cpu), ['together', ours.cpuSeconds] as const].map(([process, seconds], index) => {
      const perGiB = seconds / (bytes / GIB);
      const rss = process === 'together' ? ours.rssBytes : (ours.rss[process] ?? 0);
      return [
        index === 0 ? name : '',
        process,
        seconds.toFixed(2),
        perGiB.toFixed(2),
        formatBytes(rss),
        (perGiB / floor.cpuSecondsPerGiB).toFixed(1),
      ];
    }),
  );
  return align([['case', 'ours', 'CPU s', 'CPU s per GiB', 'peak RSS', 'x floor'], ...rows], 2);
}

export function formatFloor({ stages, secondsPerGiB, cpuSecondsPerGiB }: Floor): string {
  const rows = [...Object.entries(stages), ['together', { secondsPerGiB, cpuSecondsPerGiB }] as const].map(
    ([stage, cost]) => [stage, cost.secondsPerGiB.toFixed(2), cost.cpuSecondsPerGiB.toFixed(2)],
  );
  return align([['floor', 'seconds per GiB', 'CPU s per GiB'], ...rows], 1);
}

/** The first columns hold words, the others numbers. */
function align(lines: ReadonlyArray<readonly string[]>, words: number): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column < words ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
