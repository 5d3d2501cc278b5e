/**
 * Include and exclude patterns: globs on raw bytes, matched against absolute paths.
 *
 *   `*`     any bytes but `/`               `?`      one byte but `/` (one whole character of valid UTF-8)
 *   `[a-z]` one byte of a set, `[!…]` not   `\x`     the byte x itself, be it special or not
 *   `**`    as a whole component: any number of components, also none
 *
 * A pattern that starts with `/` is matched from the root of the file system; any other may begin at any component, so that
 * `*.tmp` or `cache/old` match at every depth. A closing `/` makes it match directories alone.
 *
 * The server refuses with this what an agent could not carry out, and agents match by what it gives.
 */
import { parseSet } from './parse-set.js';
import { InvalidPatternError, type PathPattern, type PatternComponent, type PatternToken } from './path-pattern.js';

const LONGEST_BYTES = 4_096;
const EXCLAMATION_MARK = 0x21;
const STAR = 0x2a;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;

/** Throws `InvalidPatternError`. */
export function parsePattern(pattern: Uint8Array): PathPattern {
  if (pattern.length === 0) throw new InvalidPatternError('is empty', pattern);
  if (pattern.length > LONGEST_BYTES) throw new InvalidPatternError(`is longer than ${LONGEST_BYTES} bytes`, pattern);
  if (pattern.includes(0)) throw new InvalidPatternError('holds a NUL byte', pattern);
  if (pattern[0] === EXCLAMATION_MARK)
    throw new InvalidPatternError('cannot be negated; write \\! for a leading exclamation mark', pattern);
  const parts = splitComponents(pattern);
  const anchored = parts[0]?.length === 0;
  const directoriesOnly = parts.length > 1 && parts.at(-1)?.length === 0;
  const named = parts.slice(anchored ? 1 : 0, directoriesOnly ? -1 : undefined);
  if (named.length === 0) throw new InvalidPatternError('names nothing', pattern);
  return { components: named.map((part) => parseComponent(part, pattern)), anchored, directoriesOnly };
}

function splitComponents(pattern: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === BACKSLASH) at++;
    else if (pattern[at] === SLASH) {
      parts.push(pattern.subarray(start, at));
      start = at + 1;
    }
  }
  parts.push(pattern.subarray(start));
  return parts;
}

function parseComponent(part: Uint8Array, pattern: Uint8Array): PatternComponent {
  if (part.length === 0) throw new InvalidPatternError('has an empty component', pattern);
  if (part.length <= 2 && part.every((byte) => byte === DOT))
    throw new InvalidPatternError('has . or .. as a component', pattern);
  if (part.length === 2 && part.every((byte) => byte === STAR)) return 'any';
  const tokens: PatternToken[] = [];
  for (let at = 0; at < part.length; at++) {
    const byte = part[at] as number;
    if (byte === STAR) {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (byte === QUESTION_MARK) {
      tokens.push({ kind: 'one' });
    } else if (byte === OPENING_BRACKET) {
      const { token, end } = parseSet(part, at, pattern);
      tokens.push(token);
      at = end;
    } else if (byte === BACKSLASH) {
      tokens.push({ kind: 'byte', byte: escaped(part, ++at, pattern) });
    } else {
      tokens.push({ kind: 'byte', byte });
    }
  }
  return tokens;
}

function escaped(part: Uint8Array, at: number, pattern: Uint8Array): number {
  const byte = part[at];
  if (byte === undefined) throw new InvalidPatternError('ends in a backslash', pattern);
  if (byte === SLASH) throw new InvalidPatternError('escapes a slash, which cannot be', pattern);
  return byte;
}
