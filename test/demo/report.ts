/** What the demo says: people read it on stdout (stderr with --json), scripts read the last line. */
import { printable } from '../kit/printable.js';

export interface BackupReport {
  readonly item: string;
  readonly type: string;
  readonly bytesRead: number;
  readonly bytesChanged: number;
  readonly bytesSent: number;
  readonly bytesStored: number;
  readonly seconds: number;
}

export interface RestoreReport {
  readonly item: string;
  readonly entries: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly differences: number;
}

export interface DemoResult {
  readonly verified: boolean;
  /** Why it is not verified. */
  readonly reason?: string;
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  readonly notRestorable: number;
  readonly backups: readonly BackupReport[];
  readonly restores: readonly RestoreReport[];
}

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

export class Narrator {
  readonly #out: NodeJS.WriteStream;
  #progressShown = false;

  constructor(json: boolean) {
    this.#out = json ? process.stderr : process.stdout;
  }

  say(line = ''): void {
    this.#clearProgress();
    this.#out.write(`${printable(line)}\n`);
  }

  /** Rewrites one line on a terminal; elsewhere progress would only fill a log. */
  progress(line: string): void {
    if (!this.#out.isTTY) return;
    this.#out.write(`\r\x1b[2K${printable(line)}`);
    this.#progressShown = true;
  }

  backup(report: BackupReport, note: string): void {
    const rate = report.seconds > 0 ? `, ${formatBytes(report.bytesRead / report.seconds)}/s` : '';
    this.say(
      `  ${report.item}  ${report.type.padEnd(12)} read ${formatBytes(report.bytesRead)}, changed ${formatBytes(report.bytesChanged)}, ` +
        `sent ${formatBytes(report.bytesSent)}, stored ${formatBytes(report.bytesStored)} in ${report.seconds.toFixed(1)} s${rate}${note}`,
    );
  }

  restore(report: RestoreReport, what: string): void {
    const verdict = report.differences === 0 ? 'identical' : `${report.differences} DIFFERENCES`;
    const rate = report.seconds > 0 ? ` (${formatBytes(report.bytes / report.seconds)}/s)` : '';
    this.say(
      `  ${report.item}  ${what}: ${report.entries} entries, ${formatBytes(report.bytes)} in ${report.seconds.toFixed(1)} s${rate}: ${verdict}`,
    );
  }

  #clearProgress(): void {
    if (!this.#progressShown) return;
    this.#out.write('\r\x1b[2K');
    this.#progressShown = false;
  }
}
