/** Stored bytes that cannot be had back as they were: no readable copy is left, or what was read contradicts itself. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}
