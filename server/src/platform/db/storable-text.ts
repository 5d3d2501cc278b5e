/** PostgreSQL takes no zero character in a text and fails, so nothing that is stored has one: who asks for it finds nothing. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0');
}
