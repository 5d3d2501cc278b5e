import type { Random } from '@holdfast/core/ids';

/** The numbers below `count` in random order (Fisher and Yates, in Durstenfeld's form). */
export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const draws = random.bytes(count * 4);
  for (let last = count - 1; last > 0; last--) {
    // 32 bits over at most 65,536 places: the bias is below 1 in 65,536.
    const drawn = draws.readUInt32LE(last * 4) % (last + 1);
    const swapped = order[drawn] as number;
    order[drawn] = order[last] as number;
    order[last] = swapped;
  }
  return order;
}
