import { Client, cacheExchange, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { endsSession } from './problem';

/** The close code of the live door when the session it was opened with has ended. */
const SESSION_ENDED = 4403;

export interface ApiEvents {
  /** The server refuses because nobody is signed in any more. */
  readonly onSessionEnded: () => void;
  readonly onLive: (connected: boolean) => void;
}

export interface Api {
  readonly client: Client;
  dispose(): void;
}

/** One client per session: signing out leaves nothing of the former session in a cache. */
export function openApi(events: ApiEvents): Api {
  const live = createClient({
    url: new URL('/graphql', window.location.href.replace(/^http/, 'ws')).href,
    lazy: true,
    keepAlive: 15_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    on: {
      connected: () => events.onLive(true),
      closed: (event) => {
        events.onLive(false);
        if (event instanceof CloseEvent && event.code === SESSION_ENDED) events.onSessionEnded();
      },
    },
  });
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetchOptions: { credentials: 'same-origin', headers: { 'apollo-require-preflight': 'true' } },
    exchanges: [
      mapExchange({
        onError: (error) => {
          if (endsSession(error)) events.onSessionEnded();
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: live.subscribe({ query: query ?? '', variables }, sink) }),
        }),
      }),
    ],
  });
  return { client, dispose: () => void live.dispose() };
}
