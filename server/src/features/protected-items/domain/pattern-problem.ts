const LONGEST_PATTERN_BYTES = 4_096;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;

/**
 * Why an agent would refuse an include or exclude pattern, in words; undefined for a good one. Components are
 * separated by slashes; `*`, `?`, `[a-z]`, `[!a]` and a backslash before a byte have the meaning of shell patterns,
 * `**` stands for any components.
 */
export function patternProblem(pattern: Uint8Array): string | undefined {
  if (pattern.length === 0) return 'The pattern is empty.';
  if (pattern.length > LONGEST_PATTERN_BYTES) return `The pattern is longer than ${LONGEST_PATTERN_BYTES} bytes.`;
  if (pattern.includes(0)) return 'The pattern contains a NUL byte.';
  if (pattern[0] === 0x21) return 'A pattern cannot be negated; write \\! for a leading exclamation mark.';
  const parts = splitComponents(pattern);
  if (parts.length > 1 && parts[0]?.length === 0) parts.shift();
  if (parts.length > 1 && parts.at(-1)?.length === 0) parts.pop();
  for (const part of parts) {
    const problem = componentProblem(part);
    if (problem) return problem;
  }
  return undefined;
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

function componentProblem(part: Uint8Array): string | undefined {
  const text = Buffer.from(part).toString('latin1');
  if (text === '') return 'The pattern has an empty component.';
  if (text === '.' || text === '..') return 'The pattern has . or .. as a component.';
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '[') {
      const set = readSet(text, at);
      if ('problem' in set) return set.problem;
      at = set.end;
    } else if (text[at] === '\\') {
      at++;
      if (at >= text.length) return 'The pattern ends in a backslash.';
      if (text[at] === '/') return 'A slash cannot be escaped.';
    }
  }
  return undefined;
}

function readSet(text: string, start: number): { readonly end: number } | { readonly problem: string } {
  const unclosed = { problem: 'A set in the pattern is not closed.' };
  let at = start + (text[start + 1] === '!' || text[start + 1] === '^' ? 2 : 1);
  const readByte = (): string | undefined => {
    if (text[at] === '\\') at++;
    return text[at++];
  };
  for (let isFirst = true; ; isFirst = false) {
    if (at >= text.length) return unclosed;
    if (text[at] === ']' && !isFirst) return { end: at };
    const low = readByte();
    if (low === undefined) return unclosed;
    if (text[at] !== '-' || at + 1 >= text.length || text[at + 1] === ']') continue;
    at++;
    const high = readByte();
    if (high === undefined) return unclosed;
    if (high < low) return { problem: 'A range in the pattern runs backwards.' };
  }
}
