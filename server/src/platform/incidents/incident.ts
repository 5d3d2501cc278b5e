/** What an agent was doing when it was refused or contained; the audit log's action. */
export const INCIDENT_KINDS = [
  'openSession',
  'hasChunks',
  'uploadPack',
  'commit',
  'readChunks',
  'closeSession',
  'verifyCopy',
  'callForeignService',
  'connectAgent',
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** Something that no honest agent does. Never holds content, keys or names of files. */
export interface Incident {
  readonly agentId: string;
  readonly kind: IncidentKind;
  /** A code, e.g. `CHUNK_NOT_REACHABLE`; one of few, so that they can be counted. */
  readonly reason: string;
  readonly vaultId?: string;
  readonly jobId?: string;
}

export interface CountedIncident extends Incident {
  /** How often since the last report of the same agent, kind and reason. */
  readonly count: number;
}
