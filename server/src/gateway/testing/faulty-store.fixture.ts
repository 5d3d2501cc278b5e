import type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  PutResult,
  StoreSpace,
  TellUnreadable,
} from '@holdfast/core/engine';
import type { HoldfastError } from '@holdfast/core/errors';

/** A store with hooks in front: what a hook throws, the store throws, and what the hook of a writer or a list waits for, that waits for. */
export class FaultyStore implements ObjectStore {
  readonly remote = false;

  beforeOpen: (name: string) => void = () => undefined;
  beforeWrite: (name: string) => void | Promise<void> = () => undefined;
  beforeCommit: (name: string) => void | Promise<void> = () => undefined;
  afterCommit: (name: string) => void = () => undefined;
  beforeGet: (name: string) => void = () => undefined;
  beforeList: () => void | Promise<void> = () => undefined;
  /** Whether `stat` finds nothing of this name. */
  hidden: (name: string) => boolean = () => false;

  /** Why an object can neither be looked at nor read. */
  sick: (name: string) => HoldfastError | undefined = () => undefined;

  constructor(private readonly inner: ObjectStore) {}

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult> {
    await this.beforeCommit(name);
    const result = await this.inner.put(name, content, options);
    this.afterCommit(name);
    return result;
  }

  async openWriter(name: string, options?: PutOptions): Promise<ObjectWriter> {
    this.beforeOpen(name);
    const writer = await this.inner.openWriter(name, options);
    return {
      write: async (bytes) => {
        await this.beforeWrite(name);
        await writer.write(bytes);
      },
      commit: async () => {
        await this.beforeCommit(name);
        const result = await writer.commit();
        this.afterCommit(name);
        return result;
      },
      abort: () => writer.abort(),
    };
  }

  async get(name: string, range?: ByteRange): Promise<Buffer> {
    this.beforeGet(name);
    const failure = this.sick(name);
    if (failure !== undefined) throw failure;
    return this.inner.get(name, range);
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    const failure = this.sick(name);
    if (failure !== undefined) throw failure;
    return this.hidden(name) ? undefined : this.inner.stat(name);
  }

  async *list(prefix: string, unreadable?: TellUnreadable): AsyncIterable<ObjectInfo> {
    await this.beforeList();
    for await (const object of this.inner.list(prefix, unreadable)) {
      const failure = this.sick(object.name);
      if (failure === undefined) yield object;
      else if (unreadable === undefined) throw failure;
      else unreadable(object.name, failure);
    }
  }

  space(): Promise<StoreSpace | undefined> {
    return this.inner.space();
  }
}
