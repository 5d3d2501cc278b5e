import * as fileSystem from 'node:fs/promises';
import type { FileCalls, OpenFile } from './file-calls.js';

/**
 * System calls at most so many at a time, the others in line. Each holds a thread of the process until the disk answers: a disk that hangs takes no more of
 * them than these, and leaves the others to other disks. Give one to all stores that lie on a disk together.
 */
export function callsInTurn(most: number, calls: FileCalls = fileSystem): FileCalls {
  const line = new CallLine(most);
  const inTurn = (file: OpenFile): OpenFile => ({
    read: (...args) => line.wait(() => file.read(...args)),
    write: (...args) => line.wait(() => file.write(...args)),
    stat: () => line.wait(() => file.stat()),
    sync: () => line.wait(() => file.sync()),
    close: () => line.wait(() => file.close()),
  });
  return {
    open: async (...args) => inTurn(await line.wait(() => calls.open(...args))),
    mkdir: (...args) => line.wait(() => calls.mkdir(...args)),
    rmdir: (...args) => line.wait(() => calls.rmdir(...args)),
    readdir: (...args) => line.wait(() => calls.readdir(...args)),
    stat: (...args) => line.wait(() => calls.stat(...args)),
    statfs: (...args) => line.wait(() => calls.statfs(...args)),
    link: (...args) => line.wait(() => calls.link(...args)),
    rename: (...args) => line.wait(() => calls.rename(...args)),
    unlink: (...args) => line.wait(() => calls.unlink(...args)),
  };
}

/** At most so many at a time, the others in their order. */
export class CallLine {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async wait<T>(call: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}
