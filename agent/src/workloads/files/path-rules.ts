/**
 * Include and exclude rules: globs on raw bytes, matched against absolute paths.
 *
 *   `*`     any bytes but `/`               `?`      one byte but `/` (one whole character of valid UTF-8)
 *   `[a-z]` one byte of a set, `[!…]` not   `\x`     the byte x itself, be it special or not
 *   `**`    as a whole component: any number of components, also none
 *
 * A pattern that starts with `/` is matched from the root of the file system; any other may begin at any component, so that
 * `*.tmp` or `cache/old` match at every depth. A closing `/` makes it match directories alone. What lies
 * below a match is matched too: an excluded directory is not entered, an included one is taken whole. Exclusion wins.
 * A named root itself is always taken; the rules apply to what lies below it.
 *
 * All patterns run as one nondeterministic automaton over path components. Its state travels down with the walk, so
 * that a name costs one step, no pattern backtracks, and the walk knows when nothing below can match any more.
 */
export interface PathRules {
  /** The state at the root of the file system. */
  readonly start: RuleState;
  /** Steps down to a component. */
  advance(state: RuleState, name: Buffer, isDirectory: boolean): RuleStep;
}

/** Which patterns have matched how far; opaque. */
export type RuleState = readonly number[];

export interface RuleStep {
  readonly state: RuleState;
  /** The path itself matches. */
  readonly matches: boolean;
  /** Something below could match. */
  readonly canMatchBelow: boolean;
}

export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';
}

const SLASH = 0x2f;
const STAR = 0x2a;
const BACKSLASH = 0x5c;

type Component = 'any' | readonly Token[];
type Token =
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'star' }
  | { readonly kind: 'one' }
  | { readonly kind: 'set'; readonly bytes: ReadonlySet<number>; readonly negated: boolean };

interface Position {
  readonly component: Component;
  /** Position after this one; -1 if the pattern ends here. */
  readonly next: number;
  readonly directoriesOnly: boolean;
}

/** Throws `InvalidPatternError`. */
export function compilePathRules(patterns: readonly Buffer[]): PathRules {
  const positions: Position[] = [];
  const first: number[] = [];
  for (const pattern of patterns) {
    first.push(positions.length);
    const { components, directoriesOnly } = parsePattern(pattern);
    for (const [i, component] of components.entries()) {
      const next = i === components.length - 1 ? -1 : positions.length + 1;
      positions.push({ component, next, directoriesOnly });
    }
  }
  return {
    start: closure(positions, first),
    advance: (state, name, isDirectory) => advance(positions, state, name, isDirectory),
  };
}

/** `**` may stand for no component at all, so whoever waits at one also waits behind it. */
function closure(positions: readonly Position[], from: readonly number[]): number[] {
  const state = new Set<number>();
  for (let at of from) {
    while (!state.has(at)) {
      state.add(at);
      const position = positions[at];
      if (position?.component !== 'any' || position.next < 0) break;
      at = position.next;
    }
  }
  return [...state];
}

function advance(positions: readonly Position[], state: RuleState, name: Buffer, isDirectory: boolean): RuleStep {
  const next: number[] = [];
  let matches = false;
  for (const at of state) {
    const position = positions[at];
    if (!position) continue;
    if (position.component === 'any') next.push(at);
    else if (!matchesComponent(position.component, name)) continue;
    if (position.next >= 0) {
      if (position.component !== 'any') next.push(position.next);
    } else if (!position.directoriesOnly || isDirectory) {
      matches = true;
    }
  }
  const closed = closure(positions, next);
  return { state: closed, matches, canMatchBelow: closed.length > 0 };
}

function parsePattern(pattern: Buffer): { components: Component[]; directoriesOnly: boolean } {
  const text = pattern.toString();
  if (pattern.length === 0) throw new InvalidPatternError('a pattern must not be empty');
  if (pattern.includes(0)) throw new InvalidPatternError(`a pattern must not hold a NUL byte: ${text}`);
  if (pattern[0] === 0x21) {
    throw new InvalidPatternError(`a pattern cannot be negated; write \\! for a leading exclamation mark: ${text}`);
  }
  const parts = splitComponents(pattern);
  const anchored = parts[0]?.length === 0;
  const directoriesOnly = parts.length > 1 && parts.at(-1)?.length === 0;
  if (anchored) parts.shift();
  if (directoriesOnly) parts.pop();
  if (parts.length === 0) throw new InvalidPatternError(`a pattern must name something: ${text}`);
  const components = parts.map((part): Component => {
    if (part.length === 0) throw new InvalidPatternError(`a pattern must not hold an empty component: ${text}`);
    if (part.equals(Buffer.from('.')) || part.equals(Buffer.from('..'))) {
      throw new InvalidPatternError(`a pattern must not hold . or .. as a component: ${text}`);
    }
    if (part.length === 2 && part[0] === STAR && part[1] === STAR) return 'any';
    return parseComponent(part, text);
  });
  if (!anchored && components[0] !== 'any') components.unshift('any');
  return { components, directoriesOnly };
}

function splitComponents(pattern: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === BACKSLASH) i++;
    else if (pattern[i] === SLASH) {
      parts.push(pattern.subarray(start, i));
      start = i + 1;
    }
  }
  parts.push(pattern.subarray(start));
  return parts;
}

function parseComponent(part: Buffer, text: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < part.length; i++) {
    const byte = part.readUInt8(i);
    if (byte === STAR) {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (byte === 0x3f) {
      tokens.push({ kind: 'one' });
    } else if (byte === 0x5b) {
      const { token, end } = parseSet(part, i, text);
      tokens.push(token);
      i = end;
    } else if (byte === BACKSLASH) {
      i++;
      if (i >= part.length) throw new InvalidPatternError(`a pattern must not end in a backslash: ${text}`);
      if (part[i] === SLASH) throw new InvalidPatternError(`a slash cannot be escaped: ${text}`);
      tokens.push({ kind: 'byte', byte: part.readUInt8(i) });
    } else {
      tokens.push({ kind: 'byte', byte });
    }
  }
  return tokens;
}

function parseSet(part: Buffer, start: number, text: string): { token: Token; end: number } {
  const negated = part[start + 1] === 0x21 || part[start + 1] === 0x5e;
  const bytes = new Set<number>();
  let i = start + (negated ? 2 : 1);
  for (let isFirst = true; ; isFirst = false) {
    if (i >= part.length) throw new InvalidPatternError(`a set is not closed: ${text}`);
    if (part[i] === 0x5d && !isFirst) return { token: { kind: 'set', bytes, negated }, end: i };
    const low = setByte(part, i, text);
    i = low.next;
    if (part[i] === 0x2d && i + 1 < part.length && part[i + 1] !== 0x5d) {
      const high = setByte(part, i + 1, text);
      i = high.next;
      if (high.byte < low.byte) throw new InvalidPatternError(`a range runs backwards: ${text}`);
      for (let byte = low.byte; byte <= high.byte; byte++) bytes.add(byte);
    } else {
      bytes.add(low.byte);
    }
  }
}

function setByte(part: Buffer, at: number, text: string): { byte: number; next: number } {
  const escaped = part[at] === BACKSLASH;
  const byte = part[escaped ? at + 1 : at];
  if (byte === undefined) throw new InvalidPatternError(`a set is not closed: ${text}`);
  return { byte, next: at + (escaped ? 2 : 1) };
}

/** Linear in the name for each star: only the last star is ever tried again. */
function matchesComponent(tokens: readonly Token[], name: Buffer): boolean {
  let t = 0;
  let n = 0;
  let starToken = -1;
  let starName = 0;
  while (n < name.length || t < tokens.length) {
    const token = tokens[t];
    if (token?.kind === 'star') {
      starToken = t++;
      starName = n;
      continue;
    }
    const length = token && n < name.length ? consumed(token, name, n) : 0;
    if (length > 0) {
      t++;
      n += length;
    } else if (starToken >= 0 && starName < name.length) {
      t = starToken + 1;
      n = ++starName;
    } else {
      return false;
    }
  }
  return true;
}

function consumed(token: Token, name: Buffer, at: number): number {
  const byte = name.readUInt8(at);
  if (token.kind === 'one') return characterLength(name, at);
  if (token.kind === 'byte') return token.byte === byte ? 1 : 0;
  if (token.kind === 'set') return token.bytes.has(byte) !== token.negated ? 1 : 0;
  return 0;
}

/** Bytes of the UTF-8 character at a place; 1 for a byte that starts none. */
function characterLength(name: Buffer, at: number): number {
  const byte = name.readUInt8(at);
  const length = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
  if (length === 1 || byte > 0xf4) return 1;
  for (let i = 1; i < length; i++) if (((name[at + i] ?? 0) & 0xc0) !== 0x80) return 1;
  return length;
}
