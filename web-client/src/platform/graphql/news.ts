/** A counter that grows when what is on screen may be out of date. */
import { useSyncExternalStore } from 'react';

let count = 0;
const listeners = new Set<() => void>();

export function announceNews(): void {
  count += 1;
  for (const listener of listeners) listener();
}

export function useNews(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => count,
  );
}
