/** One word of a command as a shell has to be given it: quoted where it would take it apart. */
export function shellWord(word: string): string {
  return /^[\w./#:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
