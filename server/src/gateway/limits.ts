const MIB = 1024 * 1024;

/** What one agent may ask of a gateway at a time; everything that a peer can make grow stands here. */
export interface GatewayLimits {
  readonly maxPackBytes: number;
  readonly maxClaimsPerQuestion: number;
  readonly maxChunksPerRead: number;
  readonly maxFooterBytes: number;
  /** The longest message that the gateway takes: a footer and what stands around it. */
  readonly maxMessageBytes: number;
  readonly maxSessionsPerAgent: number;
  readonly maxUploadsPerSession: number;
  readonly maxQuestionsPerSession: number;
  readonly maxReadsPerSession: number;
  /** Uploads of all agents together; more wait in order. */
  readonly maxUploads: number;
  readonly maxWaitingUploads: number;
  /** HTTP/2 streams of one connection. */
  readonly maxStreamsPerConnection: number;
  /** A session that nothing was asked of for so long is over. */
  readonly sessionIdleMs: number;
  /** An upload whose next piece does not come for so long is given up. */
  readonly uploadStallMs: number;
  /** Packs that control is asked to verify for one question; what lies beyond is answered no. */
  readonly maxPacksVerifiedPerQuestion: number;
  /** Edges looked at to answer one question about other agents' nodes. */
  readonly maxEdgesPerQuestion: number;
  /** Missing ids told at one commit. */
  readonly maxMissingPerCommit: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  maxPackBytes: 64 * MIB,
  maxClaimsPerQuestion: 8_192,
  maxChunksPerRead: 4_096,
  maxFooterBytes: 8 * MIB - 4_096,
  maxMessageBytes: 8 * MIB,
  maxSessionsPerAgent: 8,
  maxUploadsPerSession: 4,
  maxQuestionsPerSession: 4,
  maxReadsPerSession: 4,
  maxUploads: 32,
  maxWaitingUploads: 256,
  maxStreamsPerConnection: 64,
  sessionIdleMs: 10 * 60_000,
  uploadStallMs: 60_000,
  maxPacksVerifiedPerQuestion: 64,
  maxEdgesPerQuestion: 100_000,
  maxMissingPerCommit: 65_536,
};
