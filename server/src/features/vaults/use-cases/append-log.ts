import type { LogEntry } from '@holdfast/core/engine';
import { sha256 } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Vault } from '../domain/vault.js';
import { signLogEntry } from '../vault-objects.js';
import { serverSigner } from './vault-keys.js';

export type LogEvent = NonNullable<LogEntry['event']>;

/**
 * Adds entries to a vault's log, in the transaction of what they record. They reach the store after the commit,
 * in order, by `writeLogs`; numbers are never given twice.
 */
export async function appendLog(ctx: Context, stores: Stores, vault: Vault, events: readonly LogEvent[]): Promise<void> {
  const signer = await serverSigner(ctx, stores);
  let { logNumber, logSha256 } = vault;
  for (const event of events) {
    logNumber += 1;
    const entry: LogEntry = { vaultId: uuidToBytes(vault.id), number: BigInt(logNumber), previousSha256: logSha256, atMs: BigInt(ctx.clock.now()), event };
    const signed = signLogEntry(signer, entry).bytes;
    logSha256 = sha256(signed);
    if (!(await stores.vaults.appendLog({ vaultId: vault.id, number: logNumber, signed }, logSha256))) {
      throw new HoldfastError({ kind: 'Locked', code: 'VAULT_LOG_MOVED', message: "The vault's log was written to at the same moment; try again." });
    }
  }
}
