/**
 * The engine: how data becomes what lies in a vault, and comes back. docs/design/vault-format.md
 * describes the bytes. From data to store: chunker (where to cut) → chunks (names) → frames
 * (compress, seal) → packs (one stored object) → stores; nodes describe trees of files and are chunks
 * themselves; objects are the small signed ones; sealing holds the keys.
 */

export type {
  ChunkerParameters,
  Descriptor,
  Domain,
  DomainSecret,
  FrameEntry,
  KeySlot,
  LogEntry,
  PackFooter,
  PackIndex,
  PointStatistics,
  RecoveryPoint,
  SignedObject,
  WrappedSessionKey,
} from '@holdfast/proto/vault';
export {
  BackupType,
  Codec,
  Consistency,
  DomainScope,
  EntryDefect,
  EntryType,
  KeyMode,
  PackKind,
  Redundancy,
  SlotKind,
} from '@holdfast/proto/vault';
export * from './chunker/gear-chunker.js';
export { ChunkHasher, type ChunkName, idOfClaim, verifyChunk } from './chunks/chunk-hasher.js';
export { sha256 } from './chunks/hmac-sha256.js';
export * from './format/id-set.js';
export * from './format/limits.js';
export { holdsNoMore, type MessageShape } from './format/message-shape.js';
export {
  checkFrameEntry,
  decodeFrameEntry,
  deriveFrameKey,
  encodeFrameEntry,
  type FrameContext,
  type FrameInfo,
  frameDigest,
} from './frames/frame.js';
export { frameCheck } from './frames/frame-check.js';
export { type FrameCodec, nodeCodec, TAG_BYTES } from './frames/frame-codec.js';
export { FrameGatherer, type NamedChunk } from './frames/frame-gatherer.js';
export { type OpenedChunk, openChunks, openFrame, splitFrame } from './frames/open-frame.js';
export { padmeLength } from './frames/padding.js';
export {
  type FrameChunk,
  FrameSealer,
  type FrameSealerOptions,
  type PlainFrame,
  type SealedFrame,
} from './frames/seal-frame.js';
export { isOneZstdFrame } from './frames/zstd-frame.js';
export { DirectoryBuilder } from './nodes/directory-builder.js';
export { FileBuilder, type FileExtent } from './nodes/file-builder.js';
export { type BuiltNode, type NodeSink, NodeWriter } from './nodes/node-writer.js';
export { type DirectoryPartRef, type FilePartRef, type ParsedNode, parseNode } from './nodes/parse-node.js';
export { type FetchNode, lookupEntry, readDirectory, readExtents, resolvePath } from './nodes/read-tree.js';
export {
  type ContentRef,
  type ExtendedAttribute,
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  type TreeEntry,
  treeEntry,
} from './nodes/tree-entry.js';
export {
  encodeDescriptor,
  FORMAT_VERSION,
  isWritable,
  openDescriptor,
  readLatestDescriptor,
} from './objects/descriptor.js';
export { decodeDomain, encodeDomain, encodeDomainObject, openDomainObject } from './objects/domain-object.js';
export type { NamedObject } from './objects/named-object.js';
export * from './objects/object-names.js';
export { encodePackIndex, openPackIndex } from './objects/pack-index.js';
export { encodePoint, namePoint, openPoint, peekPoint, pointSha256 } from './objects/recovery-point.js';
export {
  EMPTY_LOG,
  encodeLogEntry,
  type LogEvent,
  type LogHead,
  LogReader,
  MAX_PACKS_PER_LOG_ENTRY,
} from './objects/vault-log.js';
export { PackBuilder, type PackIdentity, type PackTail } from './packs/pack-builder.js';
export * from './packs/pack-format.js';
export { readFrame, readPackFooter, verifyStoredFrame } from './packs/pack-reader.js';
export { type ExpectedPack, PackVerifier, type VerifiedPack } from './packs/pack-verifier.js';
export { type CreateDomainInput, checkDomain, createDomain, openDomain } from './sealing/domains.js';
export { openReleasedKey, releaseFrameKey, sealReleasedKey } from './sealing/frame-key-release.js';
export { deriveKey, KeyDeriver } from './sealing/hkdf.js';
export {
  unwrapVaultKey,
  type WrappingKind,
  type WrapVaultKeyInput,
  wrappingKeyId,
  wrapVaultKey,
} from './sealing/key-slots.js';
export { createRecoveryKitSecret, formatRecoveryKit, parseRecoveryKit } from './sealing/recovery-kit.js';
export { openBox, sealBox } from './sealing/secret-box.js';
export {
  createSessionKey,
  decodeWrappedSessionKey,
  encodeWrappedSessionKey,
  KEM_X25519_HKDF_SHA256,
  type KeyPlace,
  openSessionKey,
  type SessionKeyPair,
} from './sealing/session-keys.js';
export {
  createSigner,
  openSignedObject,
  peekSignedObject,
  SignedKind,
  type Signer,
  signObject,
} from './sealing/signing.js';
export { CallLine, callsInTurn } from './stores/calls-in-turn.js';
export type { FileCalls, FolderEntry, OpenFile } from './stores/file-calls.js';
export { type LocalStore, type LocalStoreOptions, openLocalStore } from './stores/local-store.js';
export { MemoryStore } from './stores/memory-store.js';
export type {
  ByteRange,
  ObjectInfo,
  ObjectReaper,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  PutResult,
  StoreSpace,
  TellUnreadable,
} from './stores/object-store.js';
export { isFailingDisk, isObjectName, mayBeAlone } from './stores/store-errors.js';
