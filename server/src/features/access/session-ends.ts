/** Tells live connections of this process that a session or an API token has ended. */
export interface SessionEnds {
  ended(sessionOrTokenId: string): void;
  /** Calls `run` when that session or token ends; the returned function forgets it. */
  onEnd(sessionOrTokenId: string, run: () => void): () => void;
}

export function createSessionEnds(): SessionEnds {
  const listeners = new Map<string, Set<() => void>>();
  return {
    ended(id) {
      const waiting = listeners.get(id);
      listeners.delete(id);
      for (const run of waiting ?? []) run();
    },
    onEnd(id, run) {
      const waiting = listeners.get(id) ?? new Set();
      listeners.set(id, waiting.add(run));
      return () => {
        waiting.delete(run);
        if (waiting.size === 0 && listeners.get(id) === waiting) listeners.delete(id);
      };
    },
  };
}
