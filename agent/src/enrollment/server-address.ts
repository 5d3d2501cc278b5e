import { HoldfastError } from '@holdfast/core/errors';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export const ENROLLMENT_PORT = 8403;

/** `host`, `host:port`, `[v6]`, `[v6]:port`. Throws Validation. */
export function parseServerAddress(text: string, defaultPort: number): ServerAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_ADDRESS',
      message: `"${text}" is not an address; write HOST or HOST:PORT.`,
    });
  }
  return { host, port };
}

export function formatAddress(address: ServerAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
