/** Asked by whoever moves bytes over a data connection, before each piece that is sent and after each that was received. */
export interface Throttle {
  /** How much to ask for at a time, so that what passes is even. */
  readonly pieceBytes: number;
  /** Undefined: no limit. */
  readonly bytesPerSecond: number | undefined;
  /** Resolves when so many bytes may pass, in the order of the calls. Rejects with Cancelled when the signal fires. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** One for all that the agent sends, one for all that it receives. */
export interface Throttles {
  readonly upload: Throttle;
  readonly download: Throttle;
}
