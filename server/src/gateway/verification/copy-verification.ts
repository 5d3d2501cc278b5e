/**
 * Verification of copies. An agent that can predict an id could upload garbage under it; so a copy
 * counts for other agents only once control has opened it and computed the id again.
 *
 * Control answers per pack, and one question about a pack serves all who wait for it. A verdict is
 * stored chunk by chunk: BAD counts for nobody from then on; good data is VERIFIED; a good node is
 * VERIFIED once every one of its edges has a verified copy, so a verified node can be trusted with all
 * below it. A verdict is not final: when a reader complains, control looks again. When control cannot be asked, copies stay as they are: the answer "not there" is always safe.
 */

import { PackKind } from '@holdfast/core/engine';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy, Pack } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { BAD, CONTENT_GOOD, isVerified, SUSPECT, stands, VERIFIED } from '../chunk-index/copy-state.js';
import { settleUpwards } from '../chunk-index/settle-upwards.js';
import type { Coordination, PackVerdict } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import type { Turns } from '../turn.js';
import type { VerifyQueue } from './verify-queue.js';

const ID_BYTES = 32;

export interface VerificationPorts {
  readonly vaultId: string;
  readonly index: ChunkIndex;
  readonly coordination: Pick<Coordination, 'verifyPacks'>;
  /** Shared by all vaults of the gateway. */
  readonly queue: VerifyQueue;
  readonly limits: Pick<GatewayLimits, 'maxPacksVerifiedPerQuestion' | 'maxEdgesPerQuestion'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly turns: Turns;
  readonly log: Log;
}

export class CopyVerification {
  private readonly underWay = new Map<number, Promise<void>>();
  /** Numbers of packs at which control looked once more, whoever complained. */
  private readonly lookedAgain = new Set<number>();

  constructor(private readonly ports: VerificationPorts) {}

  /**
   * Verifies these unverified copies of one domain with all that hangs below them, as far as the limits
   * allow. Resolves when everything that could be found out stands in the index.
   */
  async verifyCopies(copies: readonly Copy[], domainId: string): Promise<void> {
    const { packs, nodes } = await this.collect(copies, domainId);
    const [data, node] = partition(packs, (pack) => pack.kind === PackKind.PACK_KIND_DATA);
    await Promise.all(data.map((pack) => this.check(pack, 'urgent')));
    await Promise.all(node.map((pack) => this.check(pack, 'urgent')));
    await this.promote(nodes, domainId);
  }

  /** Verifies one pack and then whatever of its nodes can be; for work that nobody waits for. */
  async verifyPack(pack: Pack): Promise<boolean> {
    const done = await this.check(pack, 'patient');
    if (done && pack.kind === PackKind.PACK_KIND_NODE)
      await this.promote(range(pack.firstCopy, pack.copies), pack.domainId);
    return done;
  }

  hasLookedAgain(pack: Pack): boolean {
    return this.lookedAgain.has(pack.number);
  }

  /** Has control open a pack although its verdict may be in; once in the life of this process, unless control could not be asked. Does not throw. */
  async lookAgain(pack: Pack): Promise<void> {
    if (this.lookedAgain.has(pack.number)) return;
    this.lookedAgain.add(pack.number);
    if (!(await this.check(pack, 'patient', true))) this.lookedAgain.delete(pack.number);
  }

  /** Nodes become verified once their edges are. */
  private async promote(nodes: readonly number[], domainId: string): Promise<void> {
    const { index } = this.ports;
    const sound = nodes.filter((node) => {
      const state = index.currentState(node);
      return stands(state) && !isVerified(state) && (state & CONTENT_GOOD) !== 0;
    });
    const verified = await settleUpwards(
      index,
      sound,
      (copy) => stands(copy.state) && isVerified(copy.state) && this.isIn(copy, domainId),
      this.ports.turns.of(domainId),
    );
    index.changeState(verified, { set: VERIFIED });
  }

  /** Walks from the copies down the edges that have no verified copy yet. */
  private async collect(copies: readonly Copy[], domainId: string): Promise<{ packs: Pack[]; nodes: number[] }> {
    const { index, limits } = this.ports;
    const packs = new Map<number, Pack>();
    const nodes: number[] = [];
    const seen = new CopySet();
    const stack = [...copies];
    const worth = (copy: Copy): number => {
      if (!stands(copy.state) || !this.isIn(copy, domainId)) return 0;
      return isVerified(copy.state) ? 2 : 1;
    };
    let edgesLeft = limits.maxEdgesPerQuestion;
    const turn = this.ports.turns.of(domainId);
    for (let copy = stack.pop(); copy !== undefined; copy = stack.pop()) {
      await turn.pass();
      if (seen.has(copy.number) || !this.isIn(copy, domainId) || !stands(copy.state) || isVerified(copy.state))
        continue;
      seen.add(copy.number);
      const pack = index.packByNumber(copy.pack);
      if (!pack.checked) {
        if (packs.size >= limits.maxPacksVerifiedPerQuestion && !packs.has(pack.number)) continue;
        packs.set(pack.number, pack);
      }
      if (pack.kind !== PackKind.PACK_KIND_NODE) continue;
      const edges = index.edgesOf(copy.number);
      edgesLeft -= edges.length / ID_BYTES;
      if (edgesLeft < 0) break;
      nodes.push(copy.number);
      for (const below of index.lookup(edges, worth))
        if (!below.some((each) => isVerified(each.state))) stack.push(...below);
    }
    return { packs: [...packs.values()], nodes };
  }

  private check(pack: Pack, lane: 'urgent' | 'patient', isAgain = false): Promise<boolean> {
    let asked = this.underWay.get(pack.number);
    if (asked === undefined) {
      asked = this.ports.queue
        .run(lane, () => this.ask(pack, isAgain))
        .finally(() => this.underWay.delete(pack.number));
      this.underWay.set(pack.number, asked);
    }
    return asked.then(
      () => true,
      (error: unknown) => {
        this.ports.log.warn({ vaultId: this.ports.vaultId, packId: pack.id, err: error }, 'verification.failed');
        return false;
      },
    );
  }

  private async ask(pack: Pack, isAgain: boolean): Promise<void> {
    if (!isAgain && this.ports.index.packByNumber(pack.number).checked) return;
    const verdicts = await this.ports.coordination.verifyPacks(this.ports.vaultId, [pack.id]);
    const verdict = verdicts.find((each) => each.packId === pack.id);
    if (verdict) this.apply(pack, verdict);
  }

  private apply(pack: Pack, verdict: PackVerdict): void {
    const { index, log, incidents, vaultId } = this.ports;
    const good = idSet(verdict.good);
    const bad = idSet(verdict.bad);
    const goodCopies: number[] = [];
    const badCopies: number[] = [];
    for (const frame of index.framesOf(pack)) {
      for (let at = 0; at < frame.chunkIds.length; at += ID_BYTES) {
        const id = frame.chunkIds.toString('latin1', at, at + ID_BYTES);
        const copy = frame.firstCopy + at / ID_BYTES;
        // A chunk named both ways, or not at all, proves nothing good.
        if (bad.has(id)) badCopies.push(copy);
        else if (good.has(id)) goodCopies.push(copy);
      }
    }
    index.changeState(goodCopies, {
      set: pack.kind === PackKind.PACK_KIND_DATA ? CONTENT_GOOD | VERIFIED : CONTENT_GOOD,
    });
    index.changeState(badCopies, { set: BAD, clear: CONTENT_GOOD | VERIFIED });
    index.markChecked(pack.number);
    if (badCopies.length === 0) return;
    log.error({ vaultId, packId: pack.id, agentId: pack.uploaderId, copies: badCopies.length }, 'copy.bad');
    // Stored bytes that are no longer what came are a disk's doing; those that are, and do not open to their id, the uploader's.
    if (badCopies.some((copy) => (index.currentState(copy) & SUSPECT) === 0))
      incidents.report({ kind: 'verifyCopy', reason: 'CONTENT_IS_NOT_ITS_ID', agentId: pack.uploaderId, vaultId });
  }

  private isIn(copy: Copy, domainId: string): boolean {
    return this.ports.index.packByNumber(copy.pack).domainId === domainId;
  }
}

function idSet(ids: Buffer): Set<string> {
  const set = new Set<string>();
  for (let at = 0; at + ID_BYTES <= ids.length; at += ID_BYTES) set.add(ids.toString('latin1', at, at + ID_BYTES));
  return set;
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function partition<T>(all: readonly T[], first: (each: T) => boolean): [T[], T[]] {
  return [all.filter(first), all.filter((each) => !first(each))];
}
