import { decodeWrappedSessionKey, type FrameEntry, type PackFooter, PackKind } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Pack, StoredFrame } from './chunk-index.js';
import { ID_BYTES } from './entry.js';
import type { IndexFile } from './index-file.js';
import { NO_BYTES, required, toFrame } from './index-rows.js';

/** Frames with their nodes' edges, found by the numbers of their copies. */
export class FrameRows {
  constructor(
    private readonly file: IndexFile,
    private readonly vaultId: string,
  ) {}

  /** Within a transaction. */
  insert(pack: number, firstCopy: number, frame: FrameEntry, ownCheck: Buffer): void {
    const { sql } = this.file;
    const lengths = Buffer.alloc(frame.chunkLengths.length * 4);
    for (const [place, length] of frame.chunkLengths.entries()) lengths.writeUInt32LE(length, place * 4);
    sql.insertFrame.run({
      firstCopy,
      pack,
      offset: Number(frame.offset),
      storedLength: frame.storedLength,
      plainLength: frame.plainLength,
      codec: frame.codec,
      storedCheck: frame.storedCheck,
      ownCheck,
      ids: frame.chunkIds,
      lengths,
    });
    for (const [place, edges] of frame.edges.entries())
      if (edges.length > 0) sql.insertEdges.run(firstCopy + place, edges);
  }

  chunkIdOf(copy: number): Buffer {
    return required(this.file.read(() => this.file.sql.chunkOfCopy.get(copy, copy)));
  }

  of(copy: number): StoredFrame {
    return toFrame(required(this.file.read(() => this.file.sql.frameOfCopy.get(copy))));
  }

  allOf({ firstCopy, copies }: Pack): StoredFrame[] {
    return this.file.read(() => this.file.sql.framesInRange.all(firstCopy, firstCopy + copies)).map(toFrame);
  }

  edgesOf(copy: number): Buffer {
    return this.file.read(() => this.file.sql.edges.get(copy)) ?? NO_BYTES;
  }

  entryOf(frame: StoredFrame, kind: PackKind): FrameEntry {
    const count = frame.chunkIds.length / ID_BYTES;
    const edges: Buffer[] = kind === PackKind.PACK_KIND_NODE ? new Array<Buffer>(count).fill(NO_BYTES) : [];
    if (kind === PackKind.PACK_KIND_NODE) {
      const { edgesInRange } = this.file.sql;
      for (const row of this.file.read(() => edgesInRange.all(frame.firstCopy, frame.firstCopy + count)))
        edges[row.copy - frame.firstCopy] = row.ids;
    }
    return {
      offset: BigInt(frame.offset),
      storedLength: frame.storedLength,
      codec: frame.codec,
      plainLength: frame.plainLength,
      storedCheck: frame.storedCheck,
      chunkIds: frame.chunkIds,
      chunkLengths: Array.from({ length: count }, (_, place) => frame.chunkLengths.readUInt32LE(place * 4)),
      edges,
    };
  }

  footerOf(pack: Pack): PackFooter {
    return {
      vaultId: uuidToBytes(this.vaultId),
      packId: uuidToBytes(pack.id),
      kind: pack.kind,
      domainId: uuidToBytes(pack.domainId),
      sessionKey: decodeWrappedSessionKey(pack.sessionKey),
      frames: this.allOf(pack).map((frame) => this.entryOf(frame, pack.kind)),
      uploaderId: uuidToBytes(pack.uploaderId),
    };
  }
}
