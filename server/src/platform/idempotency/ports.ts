export interface HandledMutation {
  readonly id: string;
  readonly key: string;
  readonly inputHash: string;
  readonly createdAt: number;
  readonly sealedPayload?: Buffer;
}

export interface HandledMutationStore {
  /** Throws Conflict when the key is there already. */
  insert(handled: HandledMutation): Promise<void>;
  find(key: string): Promise<HandledMutation | undefined>;
  finish(id: string, sealedPayload: Buffer): Promise<void>;
  remove(id: string): Promise<void>;
  removeOlderThan(time: number): Promise<void>;
}
