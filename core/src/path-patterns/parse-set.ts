import { InvalidPatternError, type PatternToken } from './path-pattern.js';

const EXCLAMATION_MARK = 0x21;
const HYPHEN = 0x2d;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const CARET = 0x5e;

/** The set that begins at a bracket of a component, and the place of its closing one. Throws `InvalidPatternError`. */
export function parseSet(
  part: Uint8Array,
  start: number,
  pattern: Uint8Array,
): { readonly token: PatternToken; readonly end: number } {
  const negated = part[start + 1] === EXCLAMATION_MARK || part[start + 1] === CARET;
  const bytes = new Set<number>();
  let at = start + (negated ? 2 : 1);
  for (let isFirst = true; ; isFirst = false) {
    // A closing bracket that comes first stands for itself.
    if (part[at] === CLOSING_BRACKET && !isFirst) return { token: { kind: 'set', bytes, negated }, end: at };
    const low = readByte(part, at, pattern);
    at = low.next;
    if (part[at] === HYPHEN && at + 1 < part.length && part[at + 1] !== CLOSING_BRACKET) {
      const high = readByte(part, at + 1, pattern);
      at = high.next;
      if (high.byte < low.byte) throw new InvalidPatternError('has a range that runs backwards', pattern);
      for (let byte = low.byte; byte <= high.byte; byte++) bytes.add(byte);
    } else {
      bytes.add(low.byte);
    }
  }
}

function readByte(part: Uint8Array, at: number, pattern: Uint8Array): { readonly byte: number; readonly next: number } {
  const place = part[at] === BACKSLASH ? at + 1 : at;
  const byte = part[place];
  if (byte === undefined) throw new InvalidPatternError('has a set that is not closed', pattern);
  return { byte, next: place + 1 };
}
