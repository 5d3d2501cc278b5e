import { hostname } from 'node:os';

/** The name that others know a listener by: nobody can connect to a wildcard. */
export function advertisedHost(host: string, publicAddress?: string): string {
  return publicAddress ?? (isWildcard(host) ? hostname() : host);
}

/** The same for a whole `host:port` or URL as it was bound. */
export function advertisedAddress(bound: string, publicAddress?: string): string {
  const match = /^(?<scheme>https?:\/\/)?(?:\[(?<sixth>[^\]]*)\]|(?<host>[^:/]*)):(?<port>\d+)$/.exec(bound);
  if (match?.groups === undefined) return bound;
  const { scheme = '', sixth, host = '', port } = match.groups;
  const name = advertisedHost(sixth ?? host, publicAddress);
  return `${scheme}${name.includes(':') ? `[${name}]` : name}:${port}`;
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
