export type { GlobalId } from './global-id.js';
export { decodeGlobalId, decodeGlobalIdOf, encodeGlobalId } from './global-id.js';
export type { Random } from './random.js';
export { seededRandom, systemRandom } from './random.js';
export type { IdSource } from './uuid.js';
export { createIdSource, isUuid, uuidFromBytes, uuidToBytes } from './uuid.js';
