import { encodeWrappedSessionKey, type PackFooter, type PackKind } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { Pack, PackState } from './chunk-index.js';
import type { IndexFile } from './index-file.js';
import { PACK_STATES, required, toPack } from './index-rows.js';

const BEFORE_ALL: Pick<Pack, 'kind' | 'number'> = { kind: 0, number: 0 };
const STORED = PACK_STATES.indexOf('stored');
/** Packs kept in memory, so that a look-up of a chunk need not ask who uploaded its pack each time. */
const REMEMBERED_PACKS = 20_000;

export interface ArrivingPack {
  readonly id: string;
  readonly kind: PackKind;
  readonly domainId: string;
  readonly uploaderId: string;
  readonly session: number;
}

/** Packs and what is known of each as a whole. */
export class PackRows {
  private readonly remembered = new Map<number, Pack>();

  constructor(private readonly file: IndexFile) {}

  recordArriving(pack: ArrivingPack): number {
    const { file } = this;
    return file.writeUnsynced(() => {
      const id = uuidToBytes(pack.id);
      const known = file.sql.packById.get(id);
      if (known) {
        const ofAnother = known.agentId !== null && !known.agentId.equals(uuidToBytes(pack.uploaderId));
        if (known.state === STORED || ofAnother) {
          throw new HoldfastError({
            kind: 'Conflict',
            code: 'PACK_ID_TAKEN',
            message: 'A pack with this id exists already.',
          });
        }
        // Under a new number, so that whoever received the earlier attempt cannot touch this one.
        file.sql.deletePack.run(known.number);
        this.remembered.delete(known.number);
      }
      const done = file.sql.insertPack.run({
        id,
        kind: pack.kind,
        domain: file.domain(pack.domainId),
        agent: file.agent(pack.uploaderId),
        session: pack.session,
      });
      return Number(done.lastInsertRowid);
    });
  }

  /** Within a transaction, after which the pack is to be forgotten. */
  store(number: number, footer: PackFooter, place: Pick<Pack, 'storedBytes' | 'firstCopy' | 'copies'>): void {
    const { storedBytes, firstCopy, copies } = place;
    const sessionKey = encodeWrappedSessionKey(required(footer.sessionKey));
    const done = this.file.sql.storePack.run({ number, sessionKey, storedBytes, firstCopy, copies });
    if (done.changes !== 1)
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'PACK_NOT_ARRIVING',
        message: 'The pack is not being received.',
      });
  }

  /** What is remembered of it is no longer so. */
  forget(pack: number): void {
    this.remembered.delete(pack);
  }

  forgetArriving(pack: number): void {
    this.forget(pack);
    this.file.write(() => this.file.sql.deleteArriving.run(pack));
  }

  recordLeaked(ids: readonly string[]): void {
    this.file.write(() => {
      for (const id of ids) this.file.sql.insertLeaked.run(uuidToBytes(id));
    });
    this.remembered.clear();
  }

  find(id: string): Pack | undefined {
    const row = this.file.read(() => this.file.sql.packById.get(uuidToBytes(id)));
    return row && toPack(row);
  }

  byNumber(number: number): Pack {
    const known = this.remembered.get(number);
    if (known) return known;
    const pack = toPack(required(this.file.read(() => this.file.sql.packByNumber.get(number))));
    if (this.remembered.size >= REMEMBERED_PACKS) this.remembered.delete(required(this.remembered.keys().next().value));
    this.remembered.set(number, pack);
    return pack;
  }

  ids(state: PackState): string[] {
    return this.file.read(() => this.file.sql.packIds.all(PACK_STATES.indexOf(state))).map(uuidFromBytes);
  }

  unindexed(limit: number): Pack[] {
    return this.file.read(() => this.file.sql.unindexed.all(limit)).map(toPack);
  }

  unchecked(limit: number, after = BEFORE_ALL): Pack[] {
    return this.file.read(() => this.file.sql.unchecked.all(after.kind, after.number, limit)).map(toPack);
  }

  markIndexed(packs: readonly number[], indexNumber: number): void {
    this.file.write(() => {
      for (const pack of packs) this.file.sql.markIndexed.run(indexNumber, pack);
      this.file.sql.setIndexNumber.run(Math.max(this.nextIndexNumber(), indexNumber + 1));
    });
  }

  markChecked(pack: number): void {
    this.file.write(() => this.file.sql.markChecked.run(pack));
    this.forget(pack);
  }

  nextIndexNumber(): number {
    return required(this.file.read(() => this.file.sql.getIndexNumber.get()));
  }

  skipIndexNumbersTo(next: number): void {
    this.file.write(() => this.file.sql.setIndexNumber.run(Math.max(this.nextIndexNumber(), next)));
  }
}
