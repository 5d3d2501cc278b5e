import { createHash } from 'node:crypto';

/** Draws that repeat with their seed, so that a failure can be played again. */
export class SeededChance {
  readonly #seed: string;
  #draws = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** 0 ≤ result < 1. */
  next(): number {
    this.#draws += 1;
    const digest = createHash('sha256').update(`${this.#seed}:${this.#draws}`).digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new RangeError('nothing to choose from');
    return choice;
  }
}
