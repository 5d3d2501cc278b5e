import { syncFileSystem } from '../../platform/durability.js';

/** So much lies in memory before the disk begins to write it: enough to be written in order, little enough that the end need not wait for it. */
const BYTES_BETWEEN_FLUSHES = 64 * 1024 * 1024;

/** Has the disk write what a restore has made while it makes more. The system itself would begin when a tenth of the memory is full. */
export class EarlyFlushes {
  private bytes = 0;
  private running: Promise<void> | undefined;
  /** The system tells of a failed write once. */
  private failure: { readonly error: unknown } | undefined;

  /** @param onFailure called once for each that failed: what was made may not be on the disk */
  constructor(
    private readonly fd: number,
    private readonly onFailure: () => void,
  ) {}

  wrote(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < BYTES_BETWEEN_FLUSHES || this.running) return;
    this.bytes = 0;
    this.running = this.flush();
  }

  /** Everything is on the disk. Throws what the disk says, now or before. */
  async finish(): Promise<void> {
    await this.close();
    await this.flush();
    if (this.failure) throw this.failure.error;
  }

  /** Waits for what is under way: the descriptor may be closed then. */
  async close(): Promise<void> {
    await this.running;
  }

  private async flush(): Promise<void> {
    try {
      await syncFileSystem(this.fd);
    } catch (error) {
      this.failure ??= { error };
      this.onFailure();
    }
    this.running = undefined;
  }
}
