import type { PaceLimits } from '../platform/pace.js';
import type { AdmissionLimits } from './admission.js';

const MIB = 1024 * 1024;

/** What one agent may ask of a gateway at a time; everything that a peer can make grow stands here. */
export interface GatewayLimits {
  readonly maxPackBytes: number;
  readonly maxClaimsPerQuestion: number;
  readonly maxChunksPerRead: number;
  readonly maxFooterBytes: number;
  /** The longest message that the gateway takes: a piece of a frame and what stands around it. */
  readonly maxMessageBytes: number;
  readonly maxSessionsPerAgent: number;
  /** Sessions that one agent opens one after the other: each leaves a row. */
  readonly openSessions: PaceLimits;
  /** Milliseconds of this thread for one agent's commits and questions that came to nothing: an honest one has few of them. */
  readonly fruitlessMs: PaceLimits;
  /**
   * Milliseconds of the thread in which control opens frames, as a cut is estimated to take them, for one agent's restores; beyond, each waits
   * for its time. An honest restore has one or two cuts for each MiB that its host shares with others in part.
   */
  readonly cutMs: PaceLimits;
  /** Packs that control opens once more because one agent's restores complained of them. */
  readonly secondLooks: PaceLimits;
  readonly maxUploadsPerSession: number;
  readonly maxQuestionsPerSession: number;
  readonly maxReadsPerSession: number;
  /** Packs on their way in; more wait in order, by their headers alone. Each holds a file and two checks. */
  readonly uploads: AdmissionLimits;
  /** Packs that gave their places up in the middle and may go on, of one session no more than its uploads: each holds a file of which a part has come. */
  readonly maxPausedUploads: number;
  /** Restore reads; more wait in order. Each holds up to two frames and what its reader has not taken yet: about 20 MiB. */
  readonly reads: AdmissionLimits;
  /** HTTP/2 streams of one connection. */
  readonly maxStreamsPerConnection: number;
  /** What one connection, and each call on it, may have under way to the gateway: 1.3 Gbit/s on a link of 100 ms. */
  readonly windowBytes: number;
  /** A session that nothing was asked of for so long is over. */
  readonly sessionIdleMs: number;
  /** A stream whose peer sends, or takes, nothing for so long is given up. */
  readonly stallMs: number;
  /** Packs that control is asked to verify for one question; what lies beyond is answered no. */
  readonly maxPacksVerifiedPerQuestion: number;
  /** Edges looked at to answer one question about other agents' nodes. */
  readonly maxEdgesPerQuestion: number;
  /**
   * Nodes of a session, and edges of theirs, that wait for what lies below them; each edge is looked up at the commit. An honest agent sends
   * nodes after what lies below them, so that few wait at a time.
   */
  readonly maxOpenEdgesPerSession: number;
  /** Missing ids told at one commit. */
  readonly maxMissingPerCommit: number;
}

/** Every byte that came counts in the next one. */
const UPLOAD_TURN_MS = 8_000;
/** In which a frame that control cut, of which a part is of no use, comes over a link of 1 Mbit/s. */
const READ_TURN_MS = 15_000;

export const GATEWAY_LIMITS: GatewayLimits = {
  maxPackBytes: 64 * MIB,
  maxClaimsPerQuestion: 8_192,
  maxChunksPerRead: 4_096,
  maxFooterBytes: 8 * MIB,
  maxMessageBytes: MIB + 64 * 1024,
  maxSessionsPerAgent: 8,
  openSessions: { burst: 60, perSecond: 0.5 },
  fruitlessMs: { burst: 60_000, perSecond: 50 },
  cutMs: { burst: 30_000, perSecond: 300 },
  secondLooks: { burst: 32, perSecond: 1 / 60 },
  maxUploadsPerSession: 4,
  maxQuestionsPerSession: 4,
  maxReadsPerSession: 4,
  uploads: { places: 64, queue: 256, perKey: 16, turnMs: UPLOAD_TURN_MS },
  maxPausedUploads: 256,
  reads: { places: 16, queue: 64, perKey: 6, turnMs: READ_TURN_MS },
  maxStreamsPerConnection: 64,
  windowBytes: 16 * MIB,
  sessionIdleMs: 10 * 60_000,
  stallMs: 60_000,
  maxPacksVerifiedPerQuestion: 64,
  maxEdgesPerQuestion: 100_000,
  maxOpenEdgesPerSession: 4_000_000,
  maxMissingPerCommit: 65_536,
};
