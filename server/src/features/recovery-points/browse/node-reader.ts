import { type FetchNode, parseNode } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { GatewayClient, VaultStoreRef } from '../../../platform/gateway-client.js';
import { BoundedCache } from '../../vaults/opening/bounded-cache.js';
import type { DomainAccess, FrameOpening } from '../../vaults/opening/frame-opening.js';

export interface NodeReader {
  /** Fetches nodes of one vault, opens and verifies them. Throws Integrity where no readable copy is left. */
  fetcher(vault: VaultStoreRef, access: DomainAccess): FetchNode;
}

export interface NodeReaderPorts {
  readonly gateway: Pick<GatewayClient, 'fetchChunks'>;
  readonly opening: Pick<FrameOpening, 'openNodes'>;
  /** Opened nodes that are kept in memory, in bytes. */
  readonly cacheBytes: number;
}

interface OpenedNode {
  readonly plaintext: Buffer;
  readonly edges: Buffer;
}

/** Who browses one directory mostly browses its neighbours next, and those lie in the same frames. */
export function createNodeReader({ gateway, opening, cacheBytes }: NodeReaderPorts): NodeReader {
  const cache = new BoundedCache<OpenedNode>(cacheBytes);

  async function fetch(vault: VaultStoreRef, access: DomainAccess, id: Buffer): Promise<OpenedNode> {
    let reason = 'the store does not have it';
    let found: OpenedNode | undefined;
    for await (const fetched of gateway.fetchChunks(vault, [id])) {
      if (fetched.kind === 'damaged') {
        reason = fetched.reason;
        continue;
      }
      if (fetched.frame.domainId !== access.domainId) continue;
      for (const node of await opening.openNodes(access, fetched.frame)) {
        const opened = { plaintext: node.plaintext, edges: node.edges };
        cache.set(keyOf(access, node.id), opened, node.plaintext.length + node.edges.length);
        if (node.id.equals(id)) found = opened;
      }
    }
    if (!found)
      throw new HoldfastError({
        kind: 'Integrity',
        code: 'NODE_DAMAGED',
        message: `A part of the recovery point cannot be read: ${reason}.`,
      });
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
