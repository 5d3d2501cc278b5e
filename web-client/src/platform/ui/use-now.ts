import { useEffect, useReducer } from 'react';

/** The present, in milliseconds: looked at whenever something is shown anew, and every `everyMs`. */
export function useNow(everyMs = 15_000): number {
  const [, look] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const timer = setInterval(look, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return Date.now();
}
