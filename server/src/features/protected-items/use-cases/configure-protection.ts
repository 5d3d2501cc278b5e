import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import type { Agent } from '../../agents/domain/agent.js';
import type { Policy } from '../../policies/domain/policy.js';
import { scheduleStart } from '../../policies/domain/schedule.js';
import type { Stores } from '../../stores.js';
import type { Vault } from '../../vaults/domain/vault.js';
import { noSuchThing, requireVault } from '../../vaults/use-cases/require-vault.js';
import { checkFilesDatasource, type FilesDatasourceInput } from '../domain/files-datasource.js';
import { invalidInput } from '../domain/invalid-input.js';
import { judgeRoots } from '../domain/pre-check.js';
import type { ProtectedItem } from '../domain/protected-item.js';

export interface ConfigureProtectionInput {
  readonly agentId: string;
  readonly vaultId: string;
  readonly policyId?: string;
  readonly name: string;
  readonly files: FilesDatasourceInput;
}

/**
 * Puts a datasource of an agent under the protection of a vault; PENDING until its first recovery point. With a pre-check if
 * the agent is connected and answers soon; otherwise the first backup makes it.
 */
export async function configureProtection(ctx: Context, input: ConfigureProtectionInput): Promise<ProtectedItem> {
  const item = await insertItem(ctx, input);
  const troubles = await ctx.services.agents.sourceChecks.ask(item.agentId, item.files);
  if (troubles === undefined) return item;
  const preCheck = judgeRoots(item.files.roots, troubles, ctx.clock.now());
  await ctx.unitOfWork.run((stores) => stores.protectedItems.setPreCheck(item.id, preCheck));
  return { ...item, preCheck };
}

async function insertItem(ctx: Context, input: ConfigureProtectionInput): Promise<ProtectedItem> {
  const name = parseName('An item', input.name);
  const files = checkFilesDatasource(input.files, 'files');
  return ctx.unitOfWork.run(async (stores) => {
    const vault = await requireVault(ctx, stores, 'item.configure', input.vaultId);
    const agent = await requireAgent(ctx, stores, vault, input.agentId);
    const policy = await policyFor(ctx, stores, vault, input.policyId);
    if (vault.kind !== 'RECOVERY_SERVICES')
      throw invalidInput('vaultId', 'VAULT_KIND', 'Files go into vaults of kind RECOVERY_SERVICES.');
    if (agent.revokedAt !== undefined) throw invalidInput('agentId', 'AGENT_REVOKED', 'The agent is revoked.');
    if (await stores.protectedItems.findByName(vault.id, name)) throw nameTaken(name);
    const id = ctx.newId();
    const item: ProtectedItem = {
      id,
      name,
      workload: 'FILES',
      files,
      subscriptionId: vault.subscriptionId,
      vaultId: vault.id,
      agentId: agent.id,
      state: 'PENDING',
      cacheGeneration: 1,
      createdAt: ctx.clock.now(),
      ...(policy && { policyId: policy.id, ...scheduleStart(policy.schedule, id, ctx.clock.now()) }),
    };
    await stores.protectedItems.insert(item);
    await stores.audit.append(ctx, {
      action: 'configureProtection',
      outcome: 'SUCCEEDED',
      target: { type: 'ProtectedItem', id },
    });
    return item;
  });
}

function nameTaken(name: string): HoldfastError {
  return new HoldfastError({
    kind: 'Conflict',
    code: 'ITEM_NAME_TAKEN',
    message: `The vault protects an item named ${name} already.`,
    details: { field: 'name' },
  });
}

/** In the vault's own subscription it is enough to see the agent; one of another subscription is configured there too. */
async function requireAgent(ctx: Context, stores: Stores, vault: Vault, id: string): Promise<Agent> {
  const agent = await stores.agents.get(id);
  if (!agent) throw noSuchThing();
  const permission = agent.subscriptionId === vault.subscriptionId ? 'agent.read' : 'item.configure';
  await authorize(ctx, stores, permission, { subscriptionId: agent.subscriptionId });
  return agent;
}

async function policyFor(
  ctx: Context,
  stores: Stores,
  vault: Vault,
  id: string | undefined,
): Promise<Policy | undefined> {
  if (id === undefined) return undefined;
  const policy = await stores.policies.get(id);
  if (!policy) throw noSuchThing();
  await authorize(ctx, stores, 'policy.read', { subscriptionId: policy.subscriptionId });
  if (policy.subscriptionId !== vault.subscriptionId)
    throw invalidInput('policyId', 'POLICY_ELSEWHERE', "The policy belongs to another subscription than the vault's.");
  return policy;
}
