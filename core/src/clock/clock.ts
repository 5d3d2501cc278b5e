/**
 * Time, as far as the product reads it. Everything that needs the time takes a Clock, so that a
 * test decides what time it is.
 */
export interface Clock {
  /** Wall clock: milliseconds since 1970, UTC. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. For durations and deadlines. */
  monotonic(): number;
}

/** Waiting. Separate from Clock because most code only reads the time. */
export interface Timers {
  /** Resolves after `ms` milliseconds of monotonic time; rejects with a Cancelled HoldfastError when `signal` fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms` milliseconds, unless the returned function was called before. */
  after(ms: number, run: () => void): () => void;
}
