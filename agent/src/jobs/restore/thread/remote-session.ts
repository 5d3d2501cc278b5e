import { fromWireError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import { withBuffers } from '../../../platform/cloned.js';
import type { ReadAnswer, ReadSession, ReadTransport } from '../../data-transport.js';
import type { FromRestore, ToRestore } from './restore-messages.js';

/** Frames, and what is opened and unpacked of them. */
const GARBAGE_PER_BYTE = 3;

interface Call {
  readonly waiting: ReadAnswer[];
  over: boolean;
  failure: Error | undefined;
  wake: () => void;
}

/** The data session of a restore, which another thread holds. */
export class RemoteSession implements ReadTransport, ReadSession {
  private readonly calls = new Map<number, Call>();
  private readonly garbage = new YoungGarbage();
  private next = 0;

  constructor(private readonly tell: (message: FromRestore) => void) {}

  hear(message: Exclude<ToRestore, { kind: 'stop' }>): void {
    const call = this.calls.get(message.call);
    if (call === undefined) return;
    switch (message.kind) {
      case 'read':
        call.waiting.push(withBuffers(message.answer));
        break;
      case 'done':
        call.over = true;
        break;
      case 'failed':
        call.failure = fromWireError(message.error);
        break;
    }
    call.wake();
  }

  async openSession(): Promise<this> {
    const { number, call } = this.begin();
    try {
      this.tell({ kind: 'open', call: number });
      await nextOf(call);
      return this;
    } finally {
      this.calls.delete(number);
    }
  }

  async *readChunks(ids: readonly Buffer[], avoidPacks: readonly Buffer[]): AsyncGenerator<ReadAnswer> {
    const { number, call } = this.begin();
    try {
      this.tell({ kind: 'read', call: number, ids, avoidPacks });
      for (let answer = await nextOf(call); answer !== undefined; answer = await nextOf(call)) {
        this.tell({ kind: 'taken', call: number });
        if (answer.kind === 'frame') this.garbage.add(GARBAGE_PER_BYTE * answer.frame.stored.length);
        yield answer;
      }
    } finally {
      this.calls.delete(number);
      if (!call.over) this.tell({ kind: 'leave', call: number });
    }
  }

  /** Whoever opened it closes it. */
  async close(): Promise<void> {}

  private begin(): { readonly number: number; readonly call: Call } {
    const call: Call = { waiting: [], over: false, failure: undefined, wake: () => undefined };
    const number = this.next++;
    this.calls.set(number, call);
    return { number, call };
  }
}

/** Undefined once there is nothing more. Throws what the call failed with. */
async function nextOf(call: Call): Promise<ReadAnswer | undefined> {
  for (;;) {
    const answer = call.waiting.shift();
    if (answer !== undefined) return answer;
    if (call.failure !== undefined) throw call.failure;
    if (call.over) return undefined;
    await new Promise<void>((resolve) => (call.wake = resolve));
  }
}
