/**
 * Include and exclude rules. What lies below a match is matched too: an excluded directory is not entered, an included one
 * is taken whole. Exclusion wins. A named root itself is always taken; the rules apply to what lies below it.
 *
 * All patterns run as one nondeterministic automaton over path components. Its state travels down with the walk, so
 * that a name costs one step, no pattern backtracks, and the walk knows when nothing below can match any more.
 */
import { type PatternComponent, type PatternToken, parsePattern } from '@holdfast/core/path-patterns';

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

interface Position {
  readonly component: PatternComponent;
  /** Position after this one; -1 if the pattern ends here. */
  readonly next: number;
  readonly directoriesOnly: boolean;
}

/** Throws `InvalidPatternError` of core. */
export function compilePathRules(patterns: readonly Buffer[]): PathRules {
  const positions: Position[] = [];
  const first: number[] = [];
  for (const pattern of patterns) {
    first.push(positions.length);
    const { components: named, anchored, directoriesOnly } = parsePattern(pattern);
    const components = anchored || named[0] === 'any' ? named : (['any', ...named] as const);
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

/** Linear in the name for each star: only the last star is ever tried again. */
function matchesComponent(tokens: readonly PatternToken[], name: Buffer): boolean {
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

function consumed(token: PatternToken, name: Buffer, at: number): number {
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
