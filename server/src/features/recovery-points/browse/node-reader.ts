import type { Timers } from '@holdfast/core/clock';
import { type FetchNode, parseNode } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { FetchedFrame, GatewayClient, VaultStoreRef } from '../../../platform/gateway-client.js';
import { BoundedCache } from '../../vaults/opening/bounded-cache.js';
import type { DomainAccess, FrameOpening } from '../../vaults/opening/frame-opening.js';
import { StorePatience } from './store-patience.js';

export interface NodeReader {
  /** Fetches nodes of one vault, opens and verifies them. Throws Integrity where no readable copy is left, Timeout or Unavailable where its store hangs. */
  fetcher(vault: VaultStoreRef, access: DomainAccess): FetchNode;
}

export interface NodeReaderPorts {
  readonly gateway: Pick<GatewayClient, 'fetchChunks'>;
  readonly opening: Pick<FrameOpening, 'openNodes'>;
  /** Opened nodes that are kept in memory, in bytes. */
  readonly cacheBytes: number;
  readonly timers: Pick<Timers, 'after'>;
}

interface OpenedNode {
  readonly plaintext: Buffer;
  readonly edges: Buffer;
}

/** Copies that are tried of one node. */
const MOST_COPIES = 16;

/** Who browses one directory mostly browses its neighbours next, and those lie in the same frames. */
export function createNodeReader({ gateway, opening, cacheBytes, timers }: NodeReaderPorts): NodeReader {
  const patience = new StorePatience(timers);
  const cache = new BoundedCache<OpenedNode>(cacheBytes);

  /** Whatever a copy turns out to be, the next one is tried: the gateway knows of damaged bytes, only keys tell the rest. */
  async function fetch(vault: VaultStoreRef, access: DomainAccess, id: Buffer): Promise<OpenedNode> {
    const avoidPacks: string[] = [];
    let reason = 'the store does not have it';
    for (let copies = 0; copies < MOST_COPIES; copies++) {
      const from = { domainId: access.domainId, avoidPacks };
      const served = await patience.wait(vault.vaultId, async (over) => {
        let frame: FetchedFrame | undefined;
        for await (const fetched of gateway.fetchChunks(vault, [id], from, over)) {
          if (fetched.kind === 'frame') frame = fetched.frame;
          else reason = avoidPacks.length === 0 ? fetched.reason : 'no copy of it is what it should be';
        }
        return frame;
      });
      if (served === undefined) break;
      const found = await openedFrom(served, access, id);
      if (found) return found;
      avoidPacks.push(served.packId);
    }
    throw new HoldfastError({
      kind: 'Integrity',
      code: 'NODE_DAMAGED',
      message: `A part of the recovery point cannot be read: ${reason}.`,
    });
  }

  async function openedFrom(frame: FetchedFrame, access: DomainAccess, id: Buffer): Promise<OpenedNode | undefined> {
    if (frame.domainId !== access.domainId) return undefined;
    let found: OpenedNode | undefined;
    try {
      for (const { id: each, plaintext, edges } of await opening.openNodes(access, frame)) {
        const opened = { plaintext, edges };
        cache.set(keyOf(access, each), opened, plaintext.length + edges.length);
        if (each.equals(id)) found = opened;
      }
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity') && !isHoldfastError(error, 'WrongKey')) throw error;
    }
    return found;
  }

  return {
    fetcher: (vault, access) => async (id) => {
      const { plaintext, edges } = cache.get(keyOf(access, id)) ?? (await fetch(vault, access, id));
      return parseNode(plaintext, edges);
    },
  };
}

function keyOf(access: DomainAccess, id: Buffer): string {
  return `${access.vaultId} ${access.domainId} ${id.toString('latin1')}`;
}
