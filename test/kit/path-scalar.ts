/** The API's `Path`: UTF-8, any other byte as \xHH, a backslash doubled. */
export function toPathScalar(bytes: Buffer): string {
  let text = '';
  for (let index = 0; index < bytes.length; ) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      text += `\\x${(bytes[index] ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
      index += 1;
      continue;
    }
    const piece = bytes.toString('utf8', index, index + length);
    text += piece === '\\' ? '\\\\' : piece;
    index += length;
  }
  return text;
}

const strict = new TextDecoder('utf-8', { fatal: true });

function sequenceLength(bytes: Buffer, index: number): number {
  const first = bytes[index] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || index + length > bytes.length) return 0;
  try {
    strict.decode(bytes.subarray(index, index + length));
    return length;
  } catch {
    return 0;
  }
}
