import { createContext, useContext } from 'react';
import { graphql } from '../../gql';
import type { SessionQuery } from '../../gql/graphql';
import type { Problem } from '../../platform/graphql/problem';

export const SessionDocument = graphql(`
  query Session {
    setupRequired
    me { user { id name } sessionExpiresAt }
  }
`);

export type Viewer = NonNullable<SessionQuery['me']>;

export type SessionState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly problem: Problem }
  | { readonly kind: 'setup' }
  /** `arrived`: nobody has signed in yet; `ended`: the server ended the session; `left`: signed out on purpose. */
  | { readonly kind: 'signed-out'; readonly because: 'arrived' | 'ended' | 'left' }
  | { readonly kind: 'signed-in'; readonly viewer: Viewer };

export interface Session {
  readonly state: SessionState;
  /** Whether live updates are coming in; undefined before the first attempt. */
  readonly live: boolean | undefined;
  /** Looks again who is signed in, with nothing kept of what was read before. */
  renew(): Promise<void>;
  signOut(): Promise<void>;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('outside of the session');
  return session;
}
