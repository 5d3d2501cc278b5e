import type { Notice } from '../workloads/notice.js';
import type { NoticeKind, PathNotice } from './job.js';

const KEPT = 1_000;
const LONGEST_MESSAGE = 500;

/** What a workload calls its notices, as the server is told of them. */
export const NOTICE_KINDS = {
  unreadable: 'UNREADABLE',
  vanished: 'VANISHED',
  changedWhileRead: 'CHANGED_WHILE_READ',
  notRestorable: 'NOT_RESTORABLE',
  skipped: 'SKIPPED',
  damaged: 'DAMAGED',
  unwritable: 'UNWRITABLE',
} as const satisfies Record<Notice['kind'], NoticeKind>;

export interface KeptNotices {
  readonly first: readonly PathNotice[];
  readonly counts: readonly (readonly [NoticeKind, number])[];
}

/** What went wrong at single paths: counts all, keeps the first thousand. */
export class Notices {
  private readonly first: PathNotice[] = [];
  private readonly counts = new Map<NoticeKind, number>();
  private sum = 0;

  add(path: Uint8Array, kind: NoticeKind, message: string): void {
    this.sum += 1;
    this.counts.set(kind, this.count(kind) + 1);
    if (this.first.length < KEPT)
      this.first.push({ path: Buffer.from(path), kind, message: message.slice(0, LONGEST_MESSAGE) });
  }

  count(kind: NoticeKind): number {
    return this.counts.get(kind) ?? 0;
  }

  /** Starts anew: the tree is walked again. */
  clear(): void {
    this.sum = 0;
    this.counts.clear();
    this.first.length = 0;
  }

  /** As plain values, for another thread. */
  all(): KeptNotices {
    return { first: this.first, counts: [...this.counts] };
  }

  /** In the place of what there is. */
  takeOver({ first, counts }: KeptNotices): void {
    this.clear();
    this.first.push(...first);
    for (const [kind, count] of counts) {
      this.counts.set(kind, count);
      this.sum += count;
    }
  }

  /** Of all kinds, kept or not. */
  get total(): number {
    return this.sum;
  }

  get kept(): readonly PathNotice[] {
    return this.first;
  }
}
