import os from 'node:os';
import util from 'node:util';

/** A failed system call, shaped like Node's own errors so that callers test `code` alone. */
export class PosixError extends Error {
  override readonly name = 'PosixError';
  /** `ENOENT`, `EPERM`, … */
  readonly code: string;
  /** Negative, as Node gives it. */
  readonly errno: number;
  readonly syscall: string;

  constructor(errno: number, syscall: string, detail?: string) {
    const code = errnoName(errno);
    const text = described.get(-errno)?.[1] ?? `error ${errno}`;
    super(`${code}: ${text}, ${syscall}${detail === undefined ? '' : ` '${detail}'`}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

/** The code of a failed system call, be it ours or Node's; undefined for anything else, also for errors with other codes. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why something failed, for people: `permission denied (EACCES)`. The call and its arguments belong in logs. */
export function reasonOf(error: unknown): string {
  const code = errorCode(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  const text = described.get((error as NodeJS.ErrnoException).errno ?? 0)?.[1];
  return text === undefined ? code : `${text} (${code})`;
}

/** The host ran short: true of no file in particular. */
export function isExhaustion(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}

// Node makes a new map at each call.
const described = util.getSystemErrorMap();
const namesByNumber = new Map<number, string>();
for (const [name, number] of Object.entries(os.constants.errno)) {
  // The first name wins: ENOTSUP and EAGAIN before their aliases, as Node reports them.
  if (!namesByNumber.has(number)) namesByNumber.set(number, name);
}

function errnoName(errno: number): string {
  return described.get(-errno)?.[0] ?? namesByNumber.get(errno) ?? `E${errno}`;
}
