import { HoldfastError } from '@holdfast/core/errors';

const MAX_TEXT = 16_384;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Raw bytes as the API writes them: UTF-8 as it is, any other byte as `\xHH`, a backslash doubled. */
export function bytesToText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
      at += 1;
      continue;
    }
    const character = decoder.decode(bytes.subarray(at, at + length));
    text += character === '\\' ? '\\\\' : character;
    at += length;
  }
  return text;
}

/** The bytes that a text stands for. Throws Validation for a backslash that begins neither `\\` nor `\xHH`, and for lone surrogates. */
export function textToBytes(text: string): Buffer {
  if (text.length > MAX_TEXT || !text.isWellFormed()) throw malformed();
  const parts = text.split(/(\\x[0-9a-fA-F]{2}|\\\\)/);
  return Buffer.concat(
    parts.map((part) => {
      if (part === '\\\\') return Buffer.from('\\');
      if (/^\\x[0-9a-fA-F]{2}$/.test(part)) return Buffer.from(part.slice(2), 'hex');
      if (part.includes('\\')) throw malformed();
      return Buffer.from(part, 'utf8');
    }),
  );
}

/** Length of the valid UTF-8 character that begins there; 0 when none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length < 2 || at + length > bytes.length) return length === 1 ? 1 : 0;
  try {
    // A shorter character inside would leave a continuation byte over, which is an error of its own.
    return decoder.decode(bytes.subarray(at, at + length)).length > 0 ? length : 0;
  } catch {
    return 0;
  }
}

function malformed(): HoldfastError {
  return new HoldfastError({
    kind: 'Validation',
    code: 'MALFORMED_PATH',
    message: 'In a path, a byte that is not UTF-8 is written \\xHH and a backslash is doubled.',
  });
}
