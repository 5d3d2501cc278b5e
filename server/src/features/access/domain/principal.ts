import type { Role } from './roles.js';
import type { Scope } from './scope.js';

/** What a token may do at most, whatever its user may; what is not for tokens at all is not within any. */
export interface Ceiling {
  readonly role: Role;
  readonly scope: Scope;
}

/** Who asks. Doors make it from a session, a token or a certificate, never from a message. */
export type Principal =
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly name: string;
      readonly sessionId?: string;
      readonly tokenId?: string;
      readonly ceiling?: Ceiling;
    }
  | { readonly kind: 'agent'; readonly agentId: string }
  | { readonly kind: 'gateway'; readonly gatewayId: string }
  /** The server by itself; `task` names what for (`scheduler`, `lease-reaper`). */
  | { readonly kind: 'system'; readonly task: string }
  | { readonly kind: 'anonymous' };

/** The principal as the audit log writes it. */
export function describePrincipal(principal: Principal): string {
  switch (principal.kind) {
    case 'user':
      // A user's name holds neither colon nor space, so nobody can be named like the others here.
      return principal.tokenId === undefined ? principal.name : `${principal.name} token:${principal.tokenId}`;
    case 'agent':
      return `agent:${principal.agentId}`;
    case 'gateway':
      return `gateway:${principal.gatewayId}`;
    case 'system':
      return `system:${principal.task}`;
    case 'anonymous':
      return 'anonymous';
  }
}
