import { hostname } from 'node:os';

/** What others know a listener by, from the `host:port` or URL that was bound: nobody can connect to a wildcard. */
export function advertisedAddress(bound: string, publicAddress?: string): string {
  const match = /^(?<scheme>https?:\/\/)?(?:\[(?<sixth>[^\]]*)\]|(?<host>[^:/]*)):(?<port>\d+)$/.exec(bound);
  if (match?.groups === undefined) return bound;
  const { scheme = '', sixth, host = '', port } = match.groups;
  const listening = sixth ?? host;
  const name = publicAddress ?? (isWildcard(listening) ? hostname() : listening);
  return `${scheme}${name.includes(':') ? `[${name}]` : name}:${port}`;
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
