import { PACK_BUFFER_BYTES, type PackBuffer } from '../pack-sealer.js';

/** The memory of all packs of one job that are being filled or sent: who needs some waits until some comes back. */
export class PackBuffers {
  private readonly free: PackBuffer[] = [];
  private readonly waiting: ((buffer: PackBuffer) => void)[] = [];

  constructor(private left: number) {}

  take(): Promise<PackBuffer> {
    const buffer = this.free.pop() ?? this.another();
    return buffer === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(buffer);
  }

  giveBack(buffer: PackBuffer): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(buffer);
    else next(buffer);
  }

  /** Of an ArrayBuffer of its own, which can go from thread to thread. Only what is written of it takes memory. */
  private another(): PackBuffer | undefined {
    if (this.left === 0) return undefined;
    this.left -= 1;
    return { bytes: Buffer.from(new ArrayBuffer(PACK_BUFFER_BYTES)) };
  }
}
