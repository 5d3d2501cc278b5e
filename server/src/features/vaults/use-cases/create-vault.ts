import type { NamedObject } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';
import type { Stores } from '../../stores.js';
import { judgeName, vaultStoreUrl } from '../domain/new-vault.js';
import type { DedupDomain, Vault, VaultKind } from '../domain/vault.js';
import { firstObjects } from '../vault-objects.js';
import { drawVaultSecrets } from '../vault-secrets.js';
import { serverIdentity } from './server-identity.js';
import { writeOnce } from './write-once.js';

export interface CreateVaultInput {
  readonly subscriptionId: string;
  readonly regionId: string;
  readonly name: string;
  readonly kind: VaultKind;
  readonly dedupDomain: DedupDomain;
}

export interface CreatedVault {
  readonly vault: Vault;
  /** Opens the vault without this server. Shown once, kept nowhere. */
  readonly recoveryKit: string;
}

/**
 * A vault is there once its first objects are: the name is taken in one transaction, the objects are written,
 * a second transaction makes it READY. Throws Unavailable when the gateway or its store cannot take them; the
 * name is free again then. After a crash in between, a later attempt sets the half-made one aside.
 */
export async function createVault(ctx: Context, input: CreateVaultInput): Promise<CreatedVault> {
  const name = parseName('A vault', input.name);
  const { storeUrl, identity } = await ctx.unitOfWork.run((stores) => admit(ctx, stores, input, name));
  const vaultId = ctx.newId();
  const domainId = input.dedupDomain === 'VAULT' ? ctx.newId() : undefined;
  const createdAt = ctx.clock.now();
  const secrets = await drawVaultSecrets(
    ctx.services.keys,
    { vaultId, createdAtMs: createdAt, ...(domainId !== undefined && { domainId }) },
    ctx.random,
  );
  const objects = firstObjects(ctx.services.keys.signer(identity), {
    vaultId,
    name,
    createdAt,
    serverId: identity.serverId,
    ...secrets,
  });
  const vault: Vault = {
    id: vaultId,
    subscriptionId: input.subscriptionId,
    regionId: input.regionId,
    name,
    kind: input.kind,
    redundancy: 'LRS',
    dedupDomain: input.dedupDomain,
    state: 'CREATING',
    storeUrl: vaultStoreUrl(storeUrl, vaultId),
    descriptor: objects.descriptor.bytes,
    logNumber: objects.logNumber,
    logSha256: objects.logSha256,
    createdAt,
  };
  await ctx.unitOfWork.run(async (stores) => {
    await takeName(ctx, stores, input, name);
    await stores.vaults.insert(vault);
    if (domainId !== undefined && objects.domain)
      await stores.vaults.insertDomain({ id: domainId, vaultId, message: objects.domain, stored: true });
  });
  await writeObjects(ctx, vault, [objects.descriptor, objects.log]);
  await ctx.unitOfWork.run(async (stores) => {
    if (!(await stores.vaults.markReady(vaultId)))
      throw new HoldfastError({
        kind: 'Conflict',
        code: 'VAULT_SET_ASIDE',
        message: 'It took too long to make the vault; another attempt under its name began.',
      });
    await stores.audit.append(ctx, {
      action: 'createVault',
      outcome: 'SUCCEEDED',
      target: { type: 'Vault', id: vaultId },
    });
  });
  return { vault: { ...vault, state: 'READY' }, recoveryKit: secrets.recoveryKit };
}

async function admit(ctx: Context, stores: Stores, input: CreateVaultInput, name: string) {
  await authorize(ctx, stores, 'vault.create', { subscriptionId: input.subscriptionId });
  if (!(await stores.subscriptions.get(input.subscriptionId)))
    throw invalidInput('subscriptionId', 'NO_SUCH_SUBSCRIPTION', 'There is no such subscription.');
  const region = await stores.regions.get(input.regionId);
  const zone = region?.zones[0];
  if (!zone) throw invalidInput('regionId', 'NO_SUCH_REGION', 'There is no such region.');
  await takeName(ctx, stores, input, name);
  return { storeUrl: zone.storeUrl, identity: await serverIdentity(stores) };
}

async function takeName(ctx: Context, stores: Stores, input: CreateVaultInput, name: string): Promise<void> {
  const holder = await stores.vaults.findByName(input.subscriptionId, name);
  switch (judgeName(holder, ctx.clock.now())) {
    case 'free':
      return;
    case 'taken':
      throw nameTaken('VAULT_NAME_TAKEN', `A vault named ${name} exists in this subscription.`);
    case 'in-the-making':
      throw nameTaken('VAULT_IN_THE_MAKING', `A vault named ${name} is being made right now.`);
    case 'abandoned':
      if (holder) await stores.vaults.giveUp(holder.id);
  }
}

async function writeObjects(ctx: Context, vault: Vault, objects: readonly NamedObject[]): Promise<void> {
  try {
    for (const object of objects) await writeOnce(ctx, vault, object);
  } catch (cause) {
    await ctx.unitOfWork.run(async (stores) => {
      await stores.vaults.giveUp(vault.id);
      await stores.audit.append(ctx, {
        action: 'createVault',
        outcome: 'FAILED',
        target: { type: 'Vault', id: vault.id },
        reason: asHoldfastError(cause).code,
      });
    });
    throw notWritten(asHoldfastError(cause));
  }
}

function notWritten(cause: HoldfastError): HoldfastError {
  if (cause.kind !== 'Unavailable' && cause.kind !== 'Timeout') return cause;
  const code = cause.code.startsWith('GRPC_') ? 'GATEWAY_UNREACHABLE' : cause.code;
  return new HoldfastError({
    kind: cause.kind,
    code,
    message: `The vault was not made: ${cause.message}`,
    details: cause.details,
    cause,
  });
}

function nameTaken(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Conflict', code, message, details: { field: 'name' } });
}
