import type { Context } from '../context.js';
import type { Loaders } from './loaders.js';

/** What resolvers are given: a use case's context (pass it on as it is) and what belongs to one request. */
export interface GraphqlContext extends Context {
  readonly loaders: Loaders;
  readonly session: SessionReply;
}

/** How signIn and signOut reach the browser's cookie. Absent over a WebSocket, where no cookie can be set. */
export interface SessionReply {
  setToken(token: string, expiresAt: number): void;
  clearToken(): void;
}
