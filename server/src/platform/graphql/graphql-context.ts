import type { Context } from '../context.js';
import type { Loaders } from './loaders.js';

/** What resolvers are given: a use case's context (pass it on as it is) and what belongs to one request. */
export interface GraphqlContext extends Context {
  readonly loaders: Loaders;
  readonly session: RequestSession;
}

/** How the caller proved who they are, and how signIn and signOut reach the browser's cookie. Over a WebSocket no cookie can be set. */
export interface RequestSession {
  /** Milliseconds since 1970; undefined for the anonymous. */
  readonly expiresAt?: number;
  setToken(token: string, endsAt: number): void;
  clearToken(): void;
}
