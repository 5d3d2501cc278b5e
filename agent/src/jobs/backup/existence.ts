import { idOfClaim } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { DataSession } from '../data-transport.js';
import { idKey } from '../ids.js';
import { Turns } from '../turns.js';
import type { ClaimLog } from './claim-log.js';
import { RecentClaims } from './recent-claims.js';

const CLAIM_BYTES = 32;
const CLAIMS_PER_QUESTION = 1_000;
const QUESTIONS_AT_ONCE = 4;

/**
 * What the vault has, as far as this job asked: each claim is asked about once, whoever comes across it first, and again only long after. What
 * the vault lacks is for whoever was told so to send.
 */
export class Existence {
  private readonly recent = new RecentClaims();
  private readonly turns = new Turns(QUESTIONS_AT_ONCE);
  private readonly most: number;
  private generation: number;
  /** Ids that the vault lacks and whose content was not at hand. */
  private readonly absent = new Set<string>();
  /** What an earlier session was found to lack: not to be referred to before whoever has it came across it. */
  private readonly lackedBefore: Set<string>;

  constructor(
    private readonly session: DataSession,
    /** Every claim of the session that was asked about, and so may be referred to. */
    private readonly log: Pick<ClaimLog, 'append' | 'slice' | 'size'>,
    private readonly signal: AbortSignal,
    before: Existence | undefined,
  ) {
    this.lackedBefore = new Set([...(before?.lackedBefore ?? []), ...(before?.absent ?? [])]);
    this.generation = session.generation;
    this.most = Math.min(CLAIMS_PER_QUESTION, session.terms.maxClaimsPerQuestion);
  }

  /** One bit per claim (32 bytes each), least significant first: it need not be sent, for it is there or was asked about before. */
  async present(claims: Buffer): Promise<Uint8Array> {
    const bits = new Uint8Array(Math.ceil(claims.length / CLAIM_BYTES / 8));
    const fresh: number[] = [];
    for (let index = 0; index < claims.length / CLAIM_BYTES; index++) {
      const claim = claimAt(claims, index);
      if (this.isNew(claim)) fresh.push(index);
      else setBit(bits, index);
    }
    const answers: Promise<void>[] = [];
    for (let from = 0; from < fresh.length; from += this.most) {
      const part = fresh.slice(from, from + this.most);
      answers.push(
        this.ask(Buffer.concat(part.map((index) => claimAt(claims, index)))).then((present) => {
          for (const [place, index] of part.entries()) if (present(place)) setBit(bits, index);
        }),
      );
    }
    await Promise.all(answers);
    return bits;
  }

  /** The vault lacks this one, and there is no content to send: whoever comes across it next counts as the first. */
  missing(id: Buffer): void {
    this.absent.add(idKey(id));
  }

  /** Whether the vault was found to lack this one, and it did not come again since. */
  lacks(claim: Buffer): boolean {
    if (this.absent.size === 0 && this.lackedBefore.size === 0) return false;
    const key = idKey(idOfClaim(claim));
    return this.absent.has(key) || this.lackedBefore.has(key);
  }

  /** The gateway's session is another than the one that answered. */
  get isOutdated(): boolean {
    return this.generation !== this.session.generation;
  }

  /** Asks everything anew while that is so. Returns the ids that are missing. */
  async settle(): Promise<ReadonlySet<string>> {
    while (this.isOutdated) {
      this.generation = this.session.generation;
      await this.askAgain();
    }
    return this.absent;
  }

  private isNew(claim: Buffer): boolean {
    const isNew = this.recent.add(claim);
    if (isNew) this.log.append(claim);
    if (this.absent.size === 0 && this.lackedBefore.size === 0) return isNew;
    const key = idKey(idOfClaim(claim));
    this.lackedBefore.delete(key);
    return this.absent.delete(key) || isNew;
  }

  private async ask(claims: Buffer): Promise<(index: number) => boolean> {
    await this.turns.enter(this.signal);
    try {
      const bits = await this.session.hasChunks(claims, this.signal);
      if (bits.length < Math.ceil(claims.length / CLAIM_BYTES / 8)) throw tooShort();
      return (index) => isSet(bits, index);
    } finally {
      this.turns.leave();
    }
  }

  /** A new session of the gateway knows nothing of what the one before had answered and taken. */
  private async askAgain(): Promise<void> {
    for (let from = 0; from < this.log.size; from += this.most) {
      const claims = this.log.slice(from, this.most);
      const present = await this.ask(claims);
      for (let index = 0; index < claims.length / CLAIM_BYTES; index++) {
        if (!present(index)) this.missing(idOfClaim(claimAt(claims, index)));
      }
    }
  }
}

export function isSet(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] as number) >> (index & 7)) & 1) === 1;
}

function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
}

function claimAt(claims: Buffer, index: number): Buffer {
  return claims.subarray(index * CLAIM_BYTES, (index + 1) * CLAIM_BYTES);
}

function tooShort(): HoldfastError {
  return new HoldfastError({
    kind: 'Internal',
    code: 'ANSWER_TOO_SHORT',
    message: 'The gateway answered for fewer chunks than it was asked about.',
  });
}
