import { uuidToBytes } from '@holdfast/core/ids';
import type { Pack } from './chunk-index.js';
import { BAD, isSuspect, isVerified, SUSPECT, UNFIT } from './copy-state.js';
import type { CopyStates } from './copy-states.js';
import type { Statements } from './statements.js';

type DamageStatements = Pick<
  Statements,
  'renewDamage' | 'renewDamageOf' | 'markSuspect' | 'suspectMark' | 'suspectPacks' | 'deleteSuspect'
>;

/** Which agents have to hear that copies turned out damaged, and which packs have suspect ones. Within transactions of the caller. */
export class CopyDamage {
  constructor(
    private readonly sql: DamageStatements,
    private readonly states: CopyStates,
    private readonly packOf: (copy: number) => Pack,
  ) {}

  /** These bits are about to be set for these copies. */
  note(copies: readonly number[], set: number): void {
    if ((set & SUSPECT) !== 0) for (const { number } of this.packsOf(copies)) this.sql.markSuspect.run(number);
    const turning = copies.filter((copy) => (set & ~this.states.of(copy) & (SUSPECT | UNFIT | BAD)) !== 0);
    if (turning.length === 0) return;
    const isOfStored = (set & (SUSPECT | UNFIT)) !== 0;
    if (isOfStored || turning.some((copy) => isVerified(this.states.of(copy)))) this.sql.renewDamage.run();
    else for (const { uploaderId } of this.packsOf(turning)) this.sql.renewDamageOf.run(uuidToBytes(uploaderId));
  }

  markOf(pack: number): Buffer | undefined {
    return this.sql.suspectMark.get(pack);
  }

  packsAfter(pack: number, limit: number): number[] {
    return this.sql.suspectPacks.all(pack, limit);
  }

  /** These copies are suspect no more; the pack is neither once none of its copies is. */
  clear(pack: Pack, copies: readonly number[]): void {
    this.states.change(copies, 0, SUSPECT);
    for (let copy = pack.firstCopy; copy < pack.firstCopy + pack.copies; copy++)
      if (isSuspect(this.states.of(copy))) return;
    this.sql.deleteSuspect.run(pack.number);
  }

  /** A pack's copies are a run of numbers, so of a run only the first is looked up. */
  private packsOf(copies: readonly number[]): Set<Pack> {
    const packs = new Set<Pack>();
    let last: Pack | undefined;
    for (const copy of copies) {
      if (last !== undefined && copy >= last.firstCopy && copy < last.firstCopy + last.copies) continue;
      last = this.packOf(copy);
      packs.add(last);
    }
    return packs;
  }
}
