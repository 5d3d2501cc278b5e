import { logName } from '@holdfast/core/engine';
import { asHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { LogRecord, Vault } from '../domain/vault.js';
import { writeOnce } from './write-once.js';

const BATCH = 200;

/**
 * Makes signed log entries durable in their stores, in order per vault; what fails stays for the next time and
 * holds back only its own vault. May run twice at once: entries are written create-if-absent. Answers how many
 * were written.
 */
export async function writeLogs(ctx: Context): Promise<number> {
  const stuck = new Set<string>();
  for (let written = 0; ; ) {
    const { entries, vaults } = await nextEntries(ctx, [...stuck]);
    if (entries.length === 0) return written;
    for (const entry of entries) {
      const vault = vaults.get(entry.vaultId);
      if (stuck.has(entry.vaultId)) continue;
      if (vault && (await writeEntry(ctx, vault, entry))) written += 1;
      else stuck.add(entry.vaultId);
    }
  }
}

async function nextEntries(ctx: Context, exceptVaultIds: readonly string[]) {
  return ctx.unitOfWork.run(async (stores) => {
    const entries = await stores.vaults.unwrittenLog(BATCH, exceptVaultIds);
    const known = await stores.vaults.getMany([...new Set(entries.map((entry) => entry.vaultId))]);
    return { entries, vaults: new Map(known.map((vault) => [vault.id, vault])) };
  });
}

async function writeEntry(ctx: Context, vault: Vault, entry: LogRecord): Promise<boolean> {
  try {
    await writeOnce(ctx, vault, { name: logName(BigInt(entry.number)), bytes: entry.signed });
  } catch (error) {
    ctx.log.warn(
      { vaultId: vault.id, number: entry.number, code: asHoldfastError(error).code },
      'vault-log.not-written',
    );
    return false;
  }
  await ctx.unitOfWork.run((stores) => stores.vaults.markLogWritten(entry.vaultId, entry.number));
  return true;
}
