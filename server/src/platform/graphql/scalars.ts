import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { bytesToText, textToBytes } from '../path-text.js';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;
const DECIMAL = /^-?(0|[1-9]\d{0,18})$/;

/** Inside the server a `number`: milliseconds since 1970, UTC. */
export const DateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  description: 'RFC 3339, UTC.',
  serialize(value) {
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new TypeError('a DateTime is given in milliseconds');
    return new Date(value).toISOString();
  },
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : undefined),
});

/** Inside the server a `bigint`. */
export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description: 'Bytes, as a decimal string.',
  serialize(value) {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value))
      throw new TypeError('a BigInt is given as a bigint or a safe integer');
    return String(value);
  },
  parseValue: parseBigInt,
  parseLiteral: (node) => parseBigInt(node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : undefined),
});

/** Inside the server a `Buffer` of the raw bytes. */
export const PathScalar = new GraphQLScalarType<Buffer, string>({
  name: 'Path',
  description: 'Raw bytes: UTF-8, any other byte as \\xHH, a backslash doubled.',
  serialize(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError('a Path is given as bytes');
    return bytesToText(value);
  },
  parseValue: parsePath,
  parseLiteral: (node) => parsePath(node.kind === Kind.STRING ? node.value : undefined),
});

function parseDateTime(value: unknown): number {
  const time = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new GraphQLError('A DateTime is a string like 2027-01-31T12:00:00Z.');
  return time;
}

function parseBigInt(value: unknown): bigint {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !DECIMAL.test(text))
    throw new GraphQLError('A BigInt is a decimal number in a string.');
  return BigInt(text);
}

function parsePath(value: unknown): Buffer {
  if (typeof value !== 'string') throw new GraphQLError('A Path is a string.');
  return textToBytes(value);
}
