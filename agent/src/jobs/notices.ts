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

/** What went wrong at single paths: counts all, keeps the first thousand. */
export class Notices {
  private readonly first: PathNotice[] = [];
  private readonly counts = new Map<NoticeKind, number>();
  private all = 0;

  add(path: Uint8Array, kind: NoticeKind, message: string): void {
    this.all += 1;
    this.counts.set(kind, this.count(kind) + 1);
    if (this.first.length < KEPT)
      this.first.push({ path: Buffer.from(path), kind, message: message.slice(0, LONGEST_MESSAGE) });
  }

  count(kind: NoticeKind): number {
    return this.counts.get(kind) ?? 0;
  }

  /** Starts anew: the tree is walked again. */
  clear(): void {
    this.all = 0;
    this.counts.clear();
    this.first.length = 0;
  }

  get total(): number {
    return this.all;
  }

  get kept(): readonly PathNotice[] {
    return this.first;
  }
}
