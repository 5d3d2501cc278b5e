import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Provider } from 'urql';
import { graphql } from '../../gql';
import { type Api, openApi } from '../../platform/graphql/client';
import { announceNews } from '../../platform/graphql/news';
import { problemOf } from '../../platform/graphql/problem';
import { type Session, SessionContext, SessionDocument, type SessionState } from './session';

const SignOutDocument = graphql(`
  mutation SignOut {
    signOut(input: {}) { clientMutationId }
  }
`);

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ kind: 'loading' });
  const [live, setLive] = useState<boolean>();
  const look = useRef<(api: Api, wasSignedIn: boolean) => Promise<void>>(async () => undefined);

  const open = useCallback((): Api => {
    let connectedBefore = false;
    const api = openApi({
      onSessionEnded: () => void look.current(api, true),
      onLive: (connected) => {
        setLive(connected);
        // What happened while the connection was gone was missed.
        if (connected && connectedBefore) announceNews();
        connectedBefore ||= connected;
      },
    });
    return api;
  }, []);
  const [api, setApi] = useState(open);
  const current = useRef(api);

  look.current = async (from, wasSignedIn) => {
    const { data, error } = await from.client.query(SessionDocument, {}, { requestPolicy: 'network-only' });
    if (from !== current.current) return;
    // A server that is away for a moment does not take the page away.
    if (error)
      return setState((before) =>
        before.kind === 'signed-in' ? before : { kind: 'unreachable', problem: problemOf(error) },
      );
    if (data?.setupRequired) return setState({ kind: 'setup' });
    if (data?.me) return setState({ kind: 'signed-in', viewer: data.me });
    setState((before) =>
      before.kind === 'signed-out' ? before : { kind: 'signed-out', because: wasSignedIn ? 'ended' : 'arrived' },
    );
  };

  const startAnew = useCallback((): Api => {
    current.current.dispose();
    const fresh = open();
    current.current = fresh;
    setLive(undefined);
    setApi(fresh);
    return fresh;
  }, [open]);

  useEffect(() => {
    void look.current(current.current, false);
  }, []);

  const session = useMemo<Session>(
    () => ({
      state,
      live,
      renew: () => look.current(startAnew(), false),
      async signOut() {
        await current.current.client.mutation(SignOutDocument, {});
        startAnew();
        setState({ kind: 'signed-out', because: 'left' });
      },
    }),
    [state, live, startAnew],
  );

  return (
    <SessionContext value={session}>
      <Provider value={api.client}>{children}</Provider>
    </SessionContext>
  );
}
