import { isIPv6 } from 'node:net';

/**
 * What limits count one network address as. Whoever has an IPv6 address has the whole /64 around it, so that network
 * counts; an IPv4 address that a dual-stack socket shows as IPv6 counts as what it is.
 */
export function addressGroup(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const between = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = tail === undefined ? before : [...before, ...between, ...after];
  return `${groups
    .slice(0, 4)
    .map((each) => each.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
