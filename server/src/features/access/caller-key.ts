import { addressGroup } from '../../platform/address-group.js';
import { describePrincipal, type Principal } from './domain/principal.js';

const STRANGER = 'stranger ';

/** Whom limits and turns count as one: a user with all sessions and tokens, an agent, the network of somebody unknown. */
export function callerKey(principal: Principal, address?: string): string {
  switch (principal.kind) {
    case 'user':
      return `user ${principal.userId}`;
    case 'anonymous':
      return `${STRANGER}${address === undefined ? '' : addressGroup(address)}`;
    case 'agent':
    case 'gateway':
    case 'system':
      return describePrincipal(principal);
  }
}

export function isStranger(key: string): boolean {
  return key.startsWith(STRANGER);
}
