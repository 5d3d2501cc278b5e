/** The server's rule for names that people give, once they are trimmed. */
const ALLOWED = /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,62}$/u;

/** Why the server would refuse a name. The beginning of a good name is good, so that nobody is corrected while typing one. */
export function nameProblem(name: string): string | undefined {
  if (name === '' || ALLOWED.test(name.normalize('NFC').trim())) return undefined;
  return 'A name has 1 to 63 letters, digits, spaces and . _ - ( ), and begins with a letter or digit.';
}
