import { Client, cacheExchange, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { backOffMs } from './back-off';
import { endsSession } from './problem';

/** The close code of the live door when the session it was opened with has ended. */
const SESSION_ENDED = 4403;
/** How long a connection without subscriptions stays: until those that the server had no room for are tried again. */
const IDLE_MS = 90_000;
const PING_MS = 15_000;
const PONG_MS = 10_000;

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
  let silence: ReturnType<typeof setTimeout> | undefined;
  const live = createClient({
    url: new URL('/graphql', window.location.href.replace(/^http/, 'ws')).href,
    lazy: true,
    lazyCloseTimeout: IDLE_MS,
    keepAlive: PING_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, backOffMs(retries))),
    shouldRetry: () => true,
    on: {
      // A connection that is gone without a word looks like one on which nothing happens.
      ping: (received) => {
        if (!received) silence = setTimeout(() => live.terminate(), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(silence);
      },
      connected: () => events.onLive(true),
      closed: (event) => {
        clearTimeout(silence);
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
          subscribe: (sink) => ({
            unsubscribe: live.subscribe(
              { query: query ?? '', variables },
              // urql tells its subscribers of errors alone.
              { ...sink, complete: () => sink.error(new Error('The live updates have ended.')) },
            ),
          }),
        }),
      }),
    ],
  });
  return { client, dispose: () => void live.dispose() };
}
