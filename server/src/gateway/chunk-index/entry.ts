/**
 * What a look-up finds, in words of 32 bits: chunk id (8) ‖ pack number ‖ number of the next older copy of the same chunk, plus one; zero if
 * there is none ‖ checksum. Which copy it is, its place in the file tells.
 */
export const ID_BYTES = 32;
export const ID_WORDS = 8;
export const ENTRY_WORDS = 11;
export const ENTRY_BYTES = ENTRY_WORDS * 4;
const PACK = 8;
const OLDER = 9;
const CHECK = 10;
/** Where an older copy is asked for and there is none. */
export const NO_COPY = -1;

/** Concatenated ids as words; without a copy where the bytes are aligned. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  if (bytes.byteOffset % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const words = new Int32Array(bytes.length >>> 2);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

export function writeEntry(
  to: Int32Array,
  at: number,
  { ids, idAt, pack, older }: { ids: Int32Array; idAt: number; pack: number; older: number },
): void {
  for (let word = 0; word < ID_WORDS; word++) to[at + word] = ids[idAt + word] as number;
  to[at + PACK] = pack;
  to[at + OLDER] = older + 1;
}

export function packOf(words: Int32Array, at: number): number {
  return (words[at + PACK] as number) >>> 0;
}

export function olderOf(words: Int32Array, at: number): number {
  return ((words[at + OLDER] as number) >>> 0) - 1;
}

export function isSameId(a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean {
  for (let word = 0; word < ID_WORDS; word++) if (a[aAt + word] !== b[bAt + word]) return false;
  return true;
}

/** Gives the entry its checksum. The salt is another one for each file. */
export function seal(words: Int32Array, at: number, copy: number, salt: number): void {
  words[at + CHECK] = checksum(words, at, copy, salt);
}

/** Whether the entry is as it was written into this file for this copy. */
export function isSound(words: Int32Array, at: number, copy: number, salt: number): boolean {
  return words[at + CHECK] === checksum(words, at, copy, salt);
}

/** Against bytes that a disk changes or puts elsewhere, not against somebody who means to. In two chains, which a processor follows side by side. */
function checksum(words: Int32Array, at: number, copy: number, salt: number): number {
  let one = mix(copy);
  let other = mix(salt);
  for (let word = at; word < at + CHECK; word += 2) {
    one = mix(one ^ (words[word] as number));
    other = mix(other ^ (words[word + 1] as number));
  }
  return mix(one) ^ other;
}

function mix(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1);
  return product ^ (product >>> 15);
}
