import { HoldfastError } from '@holdfast/core/errors';
import { IncidentKind as WireIncidentKind } from '@holdfast/proto/v1';
import { INCIDENT_KINDS, type IncidentKind } from '../incidents/incident.js';

const WIRE: Readonly<Record<IncidentKind, WireIncidentKind>> = {
  openSession: WireIncidentKind.INCIDENT_KIND_OPEN_SESSION,
  hasChunks: WireIncidentKind.INCIDENT_KIND_HAS_CHUNKS,
  uploadPack: WireIncidentKind.INCIDENT_KIND_UPLOAD_PACK,
  commit: WireIncidentKind.INCIDENT_KIND_COMMIT,
  readChunks: WireIncidentKind.INCIDENT_KIND_READ_CHUNKS,
  closeSession: WireIncidentKind.INCIDENT_KIND_CLOSE_SESSION,
  verifyCopy: WireIncidentKind.INCIDENT_KIND_VERIFY_COPY,
  callForeignService: WireIncidentKind.INCIDENT_KIND_CALL_FOREIGN_SERVICE,
  connectAgent: WireIncidentKind.INCIDENT_KIND_CONNECT_AGENT,
};

export function toWireIncidentKind(kind: IncidentKind): WireIncidentKind {
  return WIRE[kind];
}

/** Throws Validation for a kind that this version does not know. */
export function fromWireIncidentKind(wire: WireIncidentKind): IncidentKind {
  const kind = INCIDENT_KINDS.find((each) => WIRE[each] === wire);
  if (kind === undefined)
    throw new HoldfastError({ kind: 'Validation', code: 'INCIDENT_KIND', message: 'The kind of incident is unknown.' });
  return kind;
}
