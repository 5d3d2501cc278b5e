import type { DataServiceClient } from '@holdfast/proto/v1';
import { DATA_WINDOW_BYTES } from './channel.js';

/** More than a round trip's worth on any link, and little enough not to be felt on it. */
const WINDOW_MS = 250;
const SMALLEST_WINDOW_BYTES = 64 * 1024;

/**
 * The connections of one session. What a connection's window has room for comes as fast as the link takes it, whatever is done with it
 * here; so reads under a limit have connections of their own, with windows that suit it.
 */
export class DataClients {
  readonly main: DataServiceClient;
  private readonly limited = new Map<number, DataServiceClient>();

  constructor(private readonly connect: (windowBytes: number) => DataServiceClient) {
    this.main = connect(DATA_WINDOW_BYTES);
  }

  /** Calls go on over the one that they began on. */
  forReads(bytesPerSecond: number | undefined): DataServiceClient {
    const window = windowFor(bytesPerSecond);
    if (window === DATA_WINDOW_BYTES) return this.main;
    const known = this.limited.get(window);
    if (known !== undefined) return known;
    const made = this.connect(window);
    this.limited.set(window, made);
    return made;
  }

  close(): void {
    for (const client of [this.main, ...this.limited.values()]) client.close();
  }
}

/** A power of two: however often the limit changes, connections are few. */
function windowFor(bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return DATA_WINDOW_BYTES;
  const wanted = 2 ** Math.ceil(Math.log2((bytesPerSecond * WINDOW_MS) / 1000));
  return Math.min(DATA_WINDOW_BYTES, Math.max(SMALLEST_WINDOW_BYTES, wanted));
}
