import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '@holdfast/core/errors';

const MAX_TEXT = 16_384;
const BACKSLASH = 0x5c;

/** Raw bytes as the API writes them: UTF-8 as it is, any other byte as `\xHH`, a backslash doubled. */
export function bytesToText(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return utf8(bytes, 0, bytes.length);
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += `${utf8(bytes, from, at)}\\x${(bytes[at] as number).toString(16).padStart(2, '0')}`;
    at += 1;
    from = at;
  }
  return text + utf8(bytes, from, bytes.length);
}

/** The bytes that a text stands for. Throws Validation for a backslash that begins neither `\\` nor `\xHH`, and for lone surrogates. */
export function textToBytes(text: string): Buffer {
  if (text.length > MAX_TEXT || !text.isWellFormed()) throw malformed();
  const bytes = Buffer.allocUnsafe(3 * text.length);
  let length = 0;
  for (let from = 0; from < text.length; ) {
    const backslash = text.indexOf('\\', from);
    const end = backslash < 0 ? text.length : backslash;
    if (end > from) length += bytes.write(text.slice(from, end), length, 'utf8');
    if (backslash < 0) break;
    const escaped = escapedByte(text, backslash + 1);
    if (escaped === undefined) throw malformed();
    bytes[length++] = escaped;
    from = backslash + (text[backslash + 1] === 'x' ? 4 : 2);
  }
  return Buffer.from(bytes.subarray(0, length));
}

/** By hand and without parts: a text of backslashes alone must cost no more than any other. */
function escapedByte(text: string, at: number): number | undefined {
  if (text[at] === '\\') return BACKSLASH;
  const value =
    text[at] === 'x' ? 16 * hexDigit(text.charCodeAt(at + 1)) + hexDigit(text.charCodeAt(at + 2)) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function utf8(bytes: Uint8Array, from: number, to: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
  return text.replaceAll('\\', '\\\\');
}

/** Length of the valid UTF-8 character that begins there; 0 when none does. By hand: names of other bytes alone must cost no more than good ones. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf5 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  const second = bytes[at + 1] ?? 0;
  // No longer than needed, no surrogate, nothing beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (length === 0 || second < least || second > most) return 0;
  for (let place = 2; place < length; place++) if (((bytes[at + place] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function malformed(): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'MALFORMED_PATH',
    message: 'In a path, a byte that is not UTF-8 is written \\xHH and a backslash is doubled.',
  });
}
