import { BackupType, Consistency, RecoveryPoint } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { ID_BYTES, MAX_SMALL_OBJECT_BYTES, SHA256_BYTES, UUID_BYTES } from '../format/limits.js';
import { openSignedObject, peekSignedObject, SignedKind, type Signer, signObject } from '../sealing/signing.js';
import { type NamedObject, orUnstorable } from './named-object.js';
import { pointName } from './object-names.js';

const MAX_REQUIRED = 10_000;
const MAX_WORKLOAD_LENGTH = 64;
/** Of a RecoveryPoint: requires (8). */
const SHAPE = { 8: { most: MAX_REQUIRED } };

/** The commit of a backup. Throws Validation for a point that the format cannot hold. */
export function encodePoint(signer: Signer, point: RecoveryPoint): NamedObject {
  orUnstorable(() => checkPoint(point));
  const name = pointName(point.pointId);
  return { name, bytes: signObject(signer, SignedKind.Point, name, encodeMessage(RecoveryPoint, point)) };
}

/** Throws Integrity unless the vault's server signed it. */
export function openPoint(publicKey: Uint8Array, object: NamedObject): RecoveryPoint {
  return parsePoint(object.name, openSignedObject(publicKey, SignedKind.Point, object.name, object.bytes));
}

/** A point whose signature somebody else judges: its name and rules are checked, who wrote it is not. */
export function peekPoint(object: NamedObject): RecoveryPoint {
  return parsePoint(object.name, peekSignedObject(object.name, object.bytes));
}

/** The same bytes under the name that the point in them gives itself. Throws Integrity for what is no point. */
export function namePoint(bytes: Uint8Array): NamedObject {
  const payload = peekSignedObject('a point object', bytes);
  const { pointId } = decodeMessage(RecoveryPoint, payload, 'point object', MAX_SMALL_OBJECT_BYTES, SHAPE);
  if (pointId.length !== UUID_BYTES) throw malformed('an id has a wrong length');
  return { name: pointName(pointId), bytes: Buffer.from(bytes) };
}

/** What the item's next point states as `previousSha256`. */
export function pointSha256(object: NamedObject): Buffer {
  return sha256(object.bytes);
}

function parsePoint(name: string, payload: Uint8Array): RecoveryPoint {
  const point = decodeMessage(RecoveryPoint, payload, name, MAX_SMALL_OBJECT_BYTES, SHAPE);
  checkPoint(point);
  if (pointName(point.pointId) !== name) throw malformed('it stands under another name');
  return point;
}

function checkPoint(point: RecoveryPoint): void {
  const ids = [
    point.vaultId,
    point.pointId,
    point.itemId,
    point.domainId,
    point.agentId,
    point.jobId,
    ...point.requires,
  ];
  if (ids.some((id) => id.length !== UUID_BYTES)) throw malformed('an id has a wrong length');
  if (point.requires.length > MAX_REQUIRED) throw malformed('it requires too many points');
  if (point.sequence < 1n) throw malformed('it has no sequence number');
  if (point.previousSha256.length !== (point.sequence === 1n ? 0 : SHA256_BYTES))
    throw malformed('its hash of the point before is missing or too much');
  if (point.rootNode.length !== ID_BYTES) throw malformed('the id of its root has a wrong length');
  if (point.backupType < BackupType.BACKUP_TYPE_FULL || point.backupType > BackupType.BACKUP_TYPE_LOG)
    throw malformed('its backup type is unknown');
  if (point.consistency < Consistency.CONSISTENCY_APPLICATION || point.consistency > Consistency.CONSISTENCY_CRASH)
    throw malformed('its consistency is unknown');
  if (point.basePointId.length !== (point.backupType === BackupType.BACKUP_TYPE_FULL ? 0 : UUID_BYTES))
    throw malformed('its type and its base do not match');
  if (point.workload.length === 0 || point.workload.length > MAX_WORKLOAD_LENGTH)
    throw malformed('its workload is out of bounds');
  if (!point.statistics) throw malformed('it has no statistics');
}

function malformed(why: string) {
  return damaged('MALFORMED_POINT', `A recovery point breaks the format: ${why}.`);
}
