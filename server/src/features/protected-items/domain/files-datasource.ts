import { InvalidPatternError, parsePattern } from '@holdfast/core/path-patterns';
import { normaliseAbsolutePath } from './absolute-path.js';
import { invalidInput } from './invalid-input.js';

/** What a FILES item protects. Paths and patterns are raw bytes. */
export interface FilesDatasource {
  readonly roots: readonly Buffer[];
  readonly include: readonly Buffer[];
  readonly exclude: readonly Buffer[];
  readonly oneFileSystem: boolean;
}

export interface FilesDatasourceInput {
  readonly roots: readonly Uint8Array[];
  readonly include: readonly Uint8Array[];
  readonly exclude: readonly Uint8Array[];
  readonly oneFileSystem: boolean;
}

const MOST_ROOTS = 100;
const MOST_PATTERNS = 1_000;

/** Throws Validation with the field's path. A root named twice, however it is spelled, counts once. */
export function checkFilesDatasource(input: FilesDatasourceInput, field: string): FilesDatasource {
  if (input.roots.length === 0) throw invalidInput(`${field}.roots`, 'NO_ROOTS', 'At least one root is needed.');
  if (input.roots.length > MOST_ROOTS)
    throw invalidInput(`${field}.roots`, 'TOO_MANY_ROOTS', `At most ${MOST_ROOTS} roots.`);
  const roots = new Map<string, Buffer>();
  input.roots.forEach((raw, index) => {
    const check = normaliseAbsolutePath(raw);
    if ('problem' in check) throw invalidInput(`${field}.roots.${index}`, 'BAD_ROOT', check.problem);
    roots.set(check.path.toString('latin1'), check.path);
  });
  return {
    roots: [...roots.values()],
    include: checkPatterns(input.include, `${field}.include`),
    exclude: checkPatterns(input.exclude, `${field}.exclude`),
    oneFileSystem: input.oneFileSystem,
  };
}

function checkPatterns(patterns: readonly Uint8Array[], field: string): Buffer[] {
  if (patterns.length > MOST_PATTERNS)
    throw invalidInput(field, 'TOO_MANY_PATTERNS', `At most ${MOST_PATTERNS} patterns.`);
  return patterns.map((pattern, index) => {
    checkPattern(pattern, `${field}.${index}`);
    return Buffer.from(pattern);
  });
}

function checkPattern(pattern: Uint8Array, field: string): void {
  try {
    parsePattern(pattern);
  } catch (error) {
    if (!(error instanceof InvalidPatternError)) throw error;
    throw invalidInput(field, 'BAD_PATTERN', `The pattern ${error.problem}.`);
  }
}
