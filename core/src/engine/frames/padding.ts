/**
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019): a length is
 * rounded up so that only its order of magnitude shows, at a cost of 12 % at most and less for
 * longer frames.
 */
export function padmeLength(length: number): number {
  if (length < 2) return length;
  const exponent = 31 - Math.clz32(length);
  const significant = 32 - Math.clz32(exponent);
  const mask = 2 ** Math.max(exponent - significant, 0) - 1;
  return Math.ceil(length / (mask + 1)) * (mask + 1);
}
