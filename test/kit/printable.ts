/** Names as a terminal may be given them. Written once more: a check must not share code with what it checks. */

const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A name may hold anything; a terminal must not obey it, and a line stays one line. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** A document stays one. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
