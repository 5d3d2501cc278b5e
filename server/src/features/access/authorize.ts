import { HoldfastError, type HoldfastErrorInit } from '@holdfast/core/errors';
import type { Context } from '../../platform/context.js';
import type { Stores } from '../stores.js';
import { decide, type Grant } from './domain/decide-access.js';
import { NOT_FOR_TOKENS, type Permission } from './domain/permissions.js';
import { contains, type Scope } from './domain/scope.js';
import { NOT_BY_TOKEN, Refusal } from './refusal.js';

/**
 * Every use case's first step after it knows the scope. Deny by default. Throws Unauthenticated without a
 * principal, NotFound where the caller may not even know that the scope exists, Forbidden otherwise; the
 * refusal is audited although the transaction rolls back. `scope` {} is the whole server; a vault comes with
 * its subscription.
 */
export async function authorize(ctx: Context, stores: Stores, permission: Permission, scope: Scope): Promise<void> {
  const verdict = decide(ctx.principal, await grantsOf(ctx, stores), permission, scope);
  if (verdict !== 'allowed') throw refusal(ctx, permission, scope, verdict);
}

/** Whether `authorize` would let it pass; for what a caller sees of a thing that it may see in part. */
export async function isAllowed(ctx: Context, stores: Stores, permission: Permission, scope: Scope): Promise<boolean> {
  return decide(ctx.principal, await grantsOf(ctx, stores), permission, scope) === 'allowed';
}

/** Passes when the caller has the permission in any scope at all: for what belongs to no subscription (regions). */
export async function authorizeAnywhere(ctx: Context, stores: Stores, permission: Permission): Promise<void> {
  if ((await visibleScopes(ctx, stores, permission)).length === 0) {
    throw refusal(ctx, permission, {}, ctx.principal.kind === 'anonymous' ? 'unauthenticated' : 'forbidden');
  }
}

/**
 * The scopes in which the caller has the permission, for lists: a store returns only rows inside one of them
 * (`{}` means all rows, an empty list none). Throws Unauthenticated without a principal.
 */
export async function visibleScopes(ctx: Context, stores: Stores, permission: Permission): Promise<readonly Scope[]> {
  if (ctx.principal.kind === 'anonymous') throw refusal(ctx, permission, {}, 'unauthenticated');
  const grants = await grantsOf(ctx, stores);
  const candidates = ctx.principal.kind === 'user' ? grants.map((grant) => grant.scope) : [{}];
  const ceiling = ctx.principal.kind === 'user' ? ctx.principal.ceiling?.scope : undefined;
  const narrowed = candidates.flatMap((scope) => {
    if (ceiling === undefined || contains(ceiling, scope)) return [scope];
    return contains(scope, ceiling) ? [ceiling] : [];
  });
  return narrowed.filter((scope) => decide(ctx.principal, grants, permission, scope) === 'allowed');
}

async function grantsOf(ctx: Context, stores: Stores): Promise<readonly Grant[]> {
  return ctx.principal.kind === 'user' ? stores.roleAssignments.ofUser(ctx.principal.userId) : [];
}

function refusal(
  ctx: Context,
  permission: Permission,
  scope: Scope,
  verdict: 'unauthenticated' | 'hidden' | 'forbidden',
): HoldfastError {
  const target =
    scope.vaultId !== undefined
      ? { type: 'Vault', id: scope.vaultId }
      : scope.subscriptionId !== undefined
        ? { type: 'Subscription', id: scope.subscriptionId }
        : undefined;
  const entry = {
    action: ctx.operation ?? permission,
    outcome: 'REFUSED' as const,
    reason: `${verdict.toUpperCase()} ${permission}`,
    ...(target === undefined ? {} : { target }),
  };
  const origin = { principal: ctx.principal, ...(ctx.address === undefined ? {} : { address: ctx.address }) };
  switch (verdict) {
    case 'unauthenticated':
      return new HoldfastError({ kind: 'Unauthenticated', code: 'NOT_SIGNED_IN', message: 'Sign in first.' });
    case 'hidden':
      return new Refusal(
        { kind: 'NotFound', code: 'NOT_FOUND', message: 'There is no such thing, or you may not see it.' },
        origin,
        entry,
      );
    case 'forbidden':
      return new Refusal(isTokenRefused(ctx, permission) ? NOT_BY_TOKEN : notPermitted(permission), origin, entry);
  }
}

function isTokenRefused({ principal }: Context, permission: Permission): boolean {
  return principal.kind === 'user' && principal.ceiling !== undefined && NOT_FOR_TOKENS.includes(permission);
}

function notPermitted(permission: Permission): HoldfastErrorInit {
  return {
    kind: 'Forbidden',
    code: 'NOT_PERMITTED',
    message: `You lack the permission ${permission} here.`,
    details: { permission },
  };
}
