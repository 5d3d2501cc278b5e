import { asHoldfastError } from '@holdfast/core/errors';

/** One piece of work at a time: of one agent's in the order in which they came, of several agents' one each in turn. */
export class CutQueue {
  private busy = false;
  private readonly waiting = new Map<string, (() => void)[]>();

  /** Work whose `over` fires before its turn is left out, and its reason thrown; what was begun is carried out. */
  async run<Result>(agentId: string, over: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    over.throwIfAborted();
    if (this.busy) await this.turnOf(agentId, over);
    this.busy = true;
    try {
      return await work();
    } finally {
      this.next();
    }
  }

  private turnOf(agentId: string, over: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const own = this.waiting.get(agentId) ?? [];
      this.waiting.set(agentId, own);
      const begin = (): void => {
        over.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        own.splice(own.indexOf(begin), 1);
        if (own.length === 0) this.waiting.delete(agentId);
        reject(asHoldfastError(over.reason));
      };
      own.push(begin);
      over.addEventListener('abort', leave, { once: true });
    });
  }

  /** Stays busy where somebody waits, whose turn it is then. */
  private next(): void {
    const [first] = this.waiting;
    const [agentId, own] = first ?? [];
    const begin = own?.shift();
    if (agentId === undefined || own === undefined || begin === undefined) {
      this.busy = false;
      return;
    }
    this.waiting.delete(agentId);
    if (own.length > 0) this.waiting.set(agentId, own);
    begin();
  }
}
