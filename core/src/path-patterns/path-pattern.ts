/** A pattern of include and exclude rules, taken apart; what it means stands in `parse-pattern.ts`. */
export interface PathPattern {
  /** At least one. */
  readonly components: readonly PatternComponent[];
  /** It is matched from the root of the file system, and not from any component. */
  readonly anchored: boolean;
  readonly directoriesOnly: boolean;
}

/** `any` stands for any number of components, also none. */
export type PatternComponent = 'any' | readonly PatternToken[];

export type PatternToken =
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'star' }
  | { readonly kind: 'one' }
  | { readonly kind: 'set'; readonly bytes: ReadonlySet<number>; readonly negated: boolean };

/** The problem is a predicate, e.g. "is empty": who knows which pattern is meant needs no more. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';

  constructor(
    readonly problem: string,
    pattern: Uint8Array,
  ) {
    super(`the pattern "${Buffer.from(pattern).toString()}" ${problem}`);
  }
}
