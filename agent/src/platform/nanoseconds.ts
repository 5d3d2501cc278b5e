const NS_PER_SECOND = 1_000_000_000n;

/** Seconds (rounded down, so negative before 1970) and 0..999,999,999 nanoseconds. */
export function splitNanoseconds(ns: bigint): { seconds: bigint; nanos: number } {
  const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { seconds: (ns - nanos) / NS_PER_SECOND, nanos: Number(nanos) };
}

export function joinNanoseconds(seconds: bigint, nanos: number): bigint {
  return seconds * NS_PER_SECOND + BigInt(nanos);
}
