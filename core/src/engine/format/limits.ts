/**
 * Caps of the stored format, all in bytes unless said otherwise. A reader checks them before it
 * allocates, a writer never exceeds them. Raising one is a new format version.
 */

export const ID_BYTES = 32;
export const UUID_BYTES = 16;
export const KEY_BYTES = 32;
export const SHA256_BYTES = 32;

export const KIB = 1024;
export const MIB = 1024 * 1024;

/** The longest chunk, data or node, as plaintext. */
export const MAX_CHUNK_BYTES = 8 * MIB;
/** The longest frame before compression: one chunk of the greatest length. */
export const MAX_FRAME_PLAIN_BYTES = MAX_CHUNK_BYTES;
/** The longest stored frame: the longest plaintext raw, its length, Padmé's share and the tag. */
export const MAX_FRAME_STORED_BYTES = MAX_FRAME_PLAIN_BYTES + 256 * KIB + 16;
/** Chunks in one frame. */
export const MAX_FRAME_CHUNKS = 8_192;
/** Small chunks are gathered until a frame has about this much plaintext. */
export const GATHER_BYTES = MIB;

export const PACK_TARGET_BYTES = 16 * MIB;
export const MAX_PACK_BYTES = 64 * MIB;
export const MAX_PACK_FRAMES = 65_536;
export const MAX_PACK_CHUNKS = 262_144;
/** A footer above its target ends the pack, so that an index object stays readable in one piece. */
export const FOOTER_TARGET_BYTES = 4 * MIB;
export const MAX_FOOTER_BYTES = 16 * MIB;

/**
 * What a pack may stand for where it is taken in; readers do not mind. Somebody has to open all of it before it counts for others, and a few
 * MiB of zstd can be hundreds of GiB. A writer ends a pack long before, at the target.
 */
export const MAX_TAKEN_PACK_PLAIN_BYTES = 1024 * MIB;
export const MAX_TAKEN_PACK_FRAMES = 4_096;
export const PACK_PLAIN_TARGET_BYTES = 256 * MIB;

/** Edges of one node. */
export const MAX_NODE_EDGES = 1_024;
export const MAX_NODE_ENTRIES = 1_024;
/** Directory or file index nodes above each other. */
export const MAX_INDEX_DEPTH = 6;
/** Directories in each other, from the virtual root down. A host may have more; what lies deeper is not taken. */
export const MAX_TREE_DEPTH = 1_024;

export const MAX_INDEX_BYTES = 64 * MIB;
export const MAX_INDEX_FOOTERS = 4_096;
/** Descriptor, domain, point and log objects. */
export const MAX_SMALL_OBJECT_BYTES = 4 * MIB;
