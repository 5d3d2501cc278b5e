import {
  encodeFrameEntry,
  encodeWrappedSessionKey,
  idAt,
  idCount,
  MemoryStore,
  type PackFooter,
  PackKind,
  packName,
  parseObjectName,
  readFrame,
  readPackFooter,
} from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type {
  CopyChoice,
  Fetched,
  GatewayClient,
  StoreSpace,
  VaultService,
  VaultStoreRef,
} from '../../../platform/gateway-client.js';

/** A gateway over stores in memory: real packs, read and hashed as a gateway reads them, without its sessions. */
export class MemoryGateway implements GatewayClient {
  readonly stores = new Map<string, MemoryStore>();
  /** What every call throws, while it is set. */
  failure: HoldfastError | undefined;
  fetches = 0;
  /** Vaults that it does not serve. */
  readonly outOfService = new Map<string, Extract<VaultService, { state: 'OUT_OF_SERVICE' }>>();

  /** Of vaults whose stores can tell. */
  readonly spaces = new Map<string, StoreSpace>();

  store(vaultId: string): MemoryStore {
    const store = this.stores.get(vaultId) ?? new MemoryStore();
    this.stores.set(vaultId, store);
    return store;
  }

  async putObject(vault: VaultStoreRef, name: string, content: Uint8Array): Promise<boolean> {
    return (await this.reached(vault).put(name, content, { ifAbsent: true })).created;
  }

  async getObject(vault: VaultStoreRef, name: string): Promise<Buffer> {
    return this.reached(vault).get(name);
  }

  async *fetchChunks(
    vault: VaultStoreRef,
    chunkIds: readonly Uint8Array[],
    { domainId, avoidPacks = [] }: CopyChoice = {},
  ): AsyncGenerator<Fetched> {
    this.fetches += 1;
    const store = this.reached(vault);
    for (const wanted of chunkIds) {
      let found = false;
      for await (const { name } of store.list('pack/')) {
        const footer = await footerOf(store, name);
        if (domainId !== undefined && uuidFromBytes(footer.domainId) !== domainId) continue;
        if (avoidPacks.includes(uuidFromBytes(footer.packId))) continue;
        for (const frame of footer.frames) {
          const ids = Array.from({ length: idCount(frame.chunkIds) }, (_, index) => idAt(frame.chunkIds, index));
          if (found || !ids.some((id) => id.equals(wanted))) continue;
          found = true;
          yield await this.frame(store, footer, frame, [wanted]);
        }
      }
      if (!found) yield { kind: 'damaged', chunkIds: [wanted], reason: 'no copy is left' };
    }
  }

  async *fetchFrames(vault: VaultStoreRef, packId: string, offsets: readonly number[]): AsyncGenerator<Fetched> {
    const store = this.reached(vault);
    const footer = await readPackFooter(store, uuidToBytes(packId));
    for (const frame of footer.frames.filter(({ offset }) => offsets.includes(Number(offset))))
      yield await this.frame(
        store,
        footer,
        frame,
        Array.from({ length: idCount(frame.chunkIds) }, (_, index) => idAt(frame.chunkIds, index)),
      );
  }

  async describeVaults(vaults: readonly VaultStoreRef[]): Promise<VaultService[]> {
    if (this.failure) throw this.failure;
    return vaults.map(({ vaultId }) => {
      const space = this.spaces.get(vaultId);
      return this.outOfService.get(vaultId) ?? { state: 'IN_SERVICE', ...(space && { space }) };
    });
  }

  async voidAgent(): Promise<void> {}

  async endSessions(): Promise<void> {}

  private async frame(
    store: MemoryStore,
    footer: PackFooter,
    frame: PackFooter['frames'][number],
    ids: readonly Uint8Array[],
  ): Promise<Fetched> {
    try {
      const bytes = await readFrame(store, footer.packId, frame);
      return {
        kind: 'frame',
        frame: {
          packId: uuidFromBytes(footer.packId),
          packKind: footer.kind === PackKind.PACK_KIND_DATA ? 'DATA' : 'NODE',
          domainId: uuidFromBytes(footer.domainId),
          sessionKey: footer.sessionKey ? encodeWrappedSessionKey(footer.sessionKey) : Buffer.alloc(0),
          frame: encodeFrameEntry(frame),
          bytes,
        },
      };
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity')) throw error;
      return { kind: 'damaged', chunkIds: ids, reason: 'its stored bytes are damaged' };
    }
  }

  private reached(vault: VaultStoreRef): MemoryStore {
    if (this.failure) throw this.failure;
    return this.store(vault.vaultId);
  }
}

async function footerOf(store: MemoryStore, name: string): Promise<PackFooter> {
  const parsed = parseObjectName(name);
  if (parsed?.folder !== 'pack') throw new Error(`${name} is not a pack`);
  return readPackFooter(store, parsed.id);
}

/** Flips one bit of a stored pack's first frame. */
export async function damagePack(store: MemoryStore, packId: Uint8Array): Promise<void> {
  const bytes = await store.get(packName(packId));
  // Behind the header, inside the shortest frame that there is.
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  await store.put(packName(packId), bytes);
}
