import { isIP } from 'node:net';
import { HoldfastError } from '@holdfast/core/errors';
import type { ListenAddress } from './process-roles.js';

const FORM = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]*)):(\d{1,5})$/;

/** `host:port`, `[::1]:port`, or `:port` for every address of this machine. Throws Validation, naming the option. */
export function parseListenAddress(option: string, text: string): ListenAddress {
  const match = FORM.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  const sixth = match?.[1] === undefined || isIP(match[1]) === 6;
  if (match === null || port > 65_535 || !sixth || host === undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'CONFIGURATION',
      message: `${option} takes HOST:PORT, e.g. 127.0.0.1:8400; got "${text.slice(0, 100)}".`,
    });
  }
  return { host: host === '' ? '0.0.0.0' : host, port };
}

/** What a person can do about a listener that could not be bound. */
export function bindFailure(option: string, address: ListenAddress, cause: NodeJS.ErrnoException): HoldfastError {
  const where = `${address.host}:${address.port} (${option})`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new HoldfastError({
        kind: 'Unavailable',
        code: 'PORT_IN_USE',
        message: `${where} is in use by another program. Stop it, or choose another port with ${option}.`,
        cause,
      });
    case 'EACCES':
      return new HoldfastError({
        kind: 'Forbidden',
        code: 'PORT_NOT_PERMITTED',
        message: `This user may not listen on ${where}.`,
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new HoldfastError({
        kind: 'Validation',
        code: 'CONFIGURATION',
        message: `${where} is not an address of this machine.`,
        cause,
      });
    default:
      return new HoldfastError({
        kind: 'Unavailable',
        code: 'LISTEN_FAILED',
        message: `Cannot listen on ${where}: ${cause.message}`,
        cause,
      });
  }
}

/** What a listener that hides the system's code in its words failed with, as `bindFailure` says it. */
export async function orBindFailure<T>(option: string, address: ListenAddress, listening: Promise<T>): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)\b/.exec(
      error instanceof Error ? error.message : '',
    )?.[1];
    if (code === undefined) throw error;
    throw bindFailure(option, address, Object.assign(new Error(code, { cause: error }), { code }));
  }
}
