import { PackKind } from '@holdfast/core/engine';

/** The engine's words for the kinds of packs. */
export const PACK_KINDS = { DATA: PackKind.PACK_KIND_DATA, NODE: PackKind.PACK_KIND_NODE } as const;
