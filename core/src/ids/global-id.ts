import { HoldfastError } from '../errors/index.js';
import { isUuid } from './uuid.js';

const TYPE_NAME = /^[A-Z][A-Za-z]{0,63}$/;

export interface GlobalId {
  /** GraphQL type name, e.g. `Vault`. */
  readonly type: string;
  readonly uuid: string;
}

/** The opaque id that the API shows: base64url of `Vault:<uuid>`. */
export function encodeGlobalId(type: string, uuid: string): string {
  return Buffer.from(`${type}:${uuid}`, 'utf8').toString('base64url');
}

/** Throws Validation on anything that `encodeGlobalId` cannot have made, also on another spelling of the same bytes. */
export function decodeGlobalId(id: string): GlobalId {
  const text = id.length > 200 ? '' : Buffer.from(id, 'base64url').toString('utf8');
  const colon = text.indexOf(':');
  const type = text.slice(0, Math.max(colon, 0));
  const uuid = text.slice(colon + 1);
  if (!TYPE_NAME.test(type) || !isUuid(uuid) || encodeGlobalId(type, uuid) !== id) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_ID',
      message: 'This is not an id that this server gave out.',
    });
  }
  return { type, uuid };
}

/** The UUID of an id that must be of the given type. Throws Validation when it is of another. */
export function decodeGlobalIdOf(type: string, id: string): string {
  const decoded = decodeGlobalId(id);
  if (decoded.type !== type) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'WRONG_ID_TYPE',
      message: `Expected the id of a ${type}, got the id of a ${decoded.type}.`,
    });
  }
  return decoded.uuid;
}
