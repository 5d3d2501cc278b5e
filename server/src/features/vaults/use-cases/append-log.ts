import { encodeLogEntry, type LogEvent, sha256 } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Vault } from '../domain/vault.js';
import { serverSigner } from './vault-keys.js';

/**
 * Adds entries to a vault's log, in the transaction of what they record. They reach the store after the commit,
 * in order, by `writeLogs`; numbers are never given twice.
 */
export async function appendLog(
  ctx: Context,
  stores: Stores,
  vault: Vault,
  events: readonly LogEvent[],
): Promise<void> {
  const signer = await serverSigner(ctx, stores);
  let { logNumber, logSha256 } = vault;
  for (const event of events) {
    const signed = encodeLogEntry(
      signer,
      uuidToBytes(vault.id),
      { number: BigInt(logNumber), sha256: logSha256 },
      event,
      ctx.clock.now(),
    ).bytes;
    logNumber += 1;
    logSha256 = sha256(signed);
    if (!(await stores.vaults.appendLog({ vaultId: vault.id, number: logNumber, signed }, logSha256))) {
      throw new HoldfastError({
        kind: 'Locked',
        code: 'VAULT_LOG_MOVED',
        message: "The vault's log was written to at the same moment; try again.",
      });
    }
  }
}
