import { useEffect, useRef } from 'react';
import { type AnyVariables, type CombinedError, type TypedDocumentNode, useQuery } from 'urql';
import { useNews } from './news';

const REFRESH_MS = 30_000;

export interface FreshQuery<Data> {
  readonly data: Data | undefined;
  readonly error: CombinedError | undefined;
  /** True before the first answer. */
  readonly loading: boolean;
  reload(): void;
}

interface Options {
  readonly pause?: boolean;
}

/** A query that asks again when something happened (a job began or ended, the connection came back), and every half minute. */
export function useFreshQuery<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { pause = false }: Options = {},
): FreshQuery<Data> {
  const [{ data, error, fetching }, execute] = useQuery<Data, Variables>({
    query,
    variables,
    pause,
    requestPolicy: 'cache-and-network',
  });
  const reload = (): void => {
    if (!pause) execute({ requestPolicy: 'network-only' });
  };
  const latest = useRef(reload);
  latest.current = reload;

  const news = useNews();
  const seen = useRef(news);
  useEffect(() => {
    if (seen.current === news) return;
    seen.current = news;
    latest.current();
  }, [news]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return { data, error, loading: data === undefined && error === undefined && (fetching || !pause), reload };
}
