/** Paths are raw bytes as a host has them; what is checked here is the same for every byte string. */
const SLASH = 0x2f;
const LONGEST_PATH_BYTES = 4_096;
const LONGEST_NAME_BYTES = 255;

export type PathCheck = { readonly path: Buffer } | { readonly problem: string };

/**
 * An absolute path in its one spelling: single slashes, none at the end, no `.`. A `..` is refused and
 * not resolved, since what it means depends on links that only the host knows.
 */
export function normaliseAbsolutePath(raw: Uint8Array): PathCheck {
  if (raw.length === 0) return { problem: 'The path is empty.' };
  if (raw.length > LONGEST_PATH_BYTES) return { problem: `The path is longer than ${LONGEST_PATH_BYTES} bytes.` };
  if (raw[0] !== SLASH) return { problem: 'The path is not absolute: it must begin with a slash.' };
  if (raw.includes(0)) return { problem: 'The path contains a NUL byte.' };
  const names = splitPath(raw).filter((name) => !(name.length === 1 && name[0] === 0x2e));
  if (names.some((name) => name.length === 2 && name[0] === 0x2e && name[1] === 0x2e))
    return { problem: 'The path contains "..".' };
  if (names.some((name) => name.length > LONGEST_NAME_BYTES))
    return { problem: `A name in the path is longer than ${LONGEST_NAME_BYTES} bytes.` };
  return { path: joinPath(names) };
}

/** The names of a path from the root down; none for `/`. */
export function splitPath(path: Uint8Array): Buffer[] {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  const names: Buffer[] = [];
  let start = 0;
  while (start <= bytes.length) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash < 0 ? bytes.length : slash;
    if (end > start) names.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return names;
}

export function joinPath(names: readonly Uint8Array[]): Buffer {
  if (names.length === 0) return Buffer.from('/');
  return Buffer.concat(names.flatMap((name) => [Buffer.of(SLASH), name]));
}

/** Whether `path` is `ancestor` or lies below it; both normalised. */
export function isAtOrBelow(path: Uint8Array, ancestor: Uint8Array): boolean {
  if (ancestor.length === 1) return true;
  const head = Buffer.from(path.buffer, path.byteOffset, Math.min(path.length, ancestor.length));
  return head.equals(ancestor) && (path.length === ancestor.length || path[ancestor.length] === SLASH);
}
