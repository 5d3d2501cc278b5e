import type {
  ByteRange,
  ObjectInfo,
  ObjectReaper,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  PutResult,
} from './object-store.js';
import { checkObjectName, checkRange, objectNotFound, writerClosed } from './store-errors.js';

/** Objects in memory: for tests, and for a vault that is looked into without touching a disk. */
export class MemoryStore implements ObjectStore, ObjectReaper {
  readonly remote = false;
  private readonly objects = new Map<string, Buffer>();

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult> {
    const writer = await this.openWriter(name, options);
    if (content instanceof Uint8Array) await writer.write(content);
    else for await (const piece of content) await writer.write(piece);
    return writer.commit();
  }

  async openWriter(name: string, options: PutOptions = {}): Promise<ObjectWriter> {
    checkObjectName(name);
    let pieces: Buffer[] | undefined = [];
    const take = (): Buffer[] => {
      if (!pieces) throw writerClosed();
      return pieces;
    };
    return {
      write: async (bytes) => void take().push(Buffer.from(bytes)),
      commit: async () => {
        const content = Buffer.concat(take());
        pieces = undefined;
        if (options.ifAbsent && this.objects.has(name)) return { created: false };
        this.objects.set(name, content);
        return { created: true };
      },
      abort: async () => {
        pieces = undefined;
      },
    };
  }

  async get(name: string, range?: ByteRange): Promise<Buffer> {
    checkObjectName(name);
    const content = this.objects.get(name);
    if (!content) throw objectNotFound(name);
    const { offset, length } = checkRange(name, range, content.length);
    return Buffer.from(content.subarray(offset, offset + length));
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    checkObjectName(name);
    const content = this.objects.get(name);
    return content && { name, size: content.length };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) yield { name, size: this.objects.get(name)?.length ?? 0 };
  }

  async space(): Promise<undefined> {
    return undefined;
  }

  async delete(name: string): Promise<void> {
    checkObjectName(name);
    this.objects.delete(name);
  }
}
