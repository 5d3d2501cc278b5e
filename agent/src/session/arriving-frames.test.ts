import { encodeFrameEntry } from '@holdfast/core/engine';
import { type FrameHead, PackKind } from '@holdfast/proto/v1';
import { Codec } from '@holdfast/proto/vault';
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrivingFrames } from './arriving-frames.js';

const STORED_BYTES = 1_000;
const stored = Buffer.alloc(STORED_BYTES, Buffer.from('of a frame '));

function head(heldBytes = 0, { id = 1, pack = 1 } = {}): FrameHead {
  const frame = encodeFrameEntry({
    offset: 16n,
    storedLength: STORED_BYTES,
    codec: Codec.CODEC_RAW,
    plainLength: STORED_BYTES,
    storedCheck: Buffer.alloc(16, 5),
    chunkIds: Buffer.alloc(32, id),
    chunkLengths: [STORED_BYTES],
    edges: [],
  });
  return {
    packId: Buffer.alloc(16, pack),
    kind: PackKind.PACK_KIND_DATA,
    frame,
    sealedFrameKey: Buffer.alloc(60),
    domainId: Buffer.alloc(16, 9),
    heldBytes,
  };
}

describe('a frame in which a read breaks off', () => {
  let arriving: ArrivingFrames;
  beforeEach(() => {
    arriving = new ArrivingFrames();
    expect(arriving.begin()).toBeUndefined();
    arriving.next(head());
    arriving.add(stored.subarray(0, 400));
  });

  it('goes on there, also after calls that brought nothing of it', () => {
    for (let call = 0; call < 3; call++) expect(arriving.begin()).toMatchObject({ bytes: 400 });
    arriving.next(head(400));
    arriving.add(stored.subarray(400, 700));
    expect(arriving.begin()).toMatchObject({ bytes: 700 });
    arriving.next(head(700));
    arriving.add(stored.subarray(700));
    expect(arriving.next(undefined)?.answer).toMatchObject({ kind: 'frame', frame: { stored } });
  });

  it('begins anew where the gateway leaves nothing out', () => {
    arriving.begin();
    arriving.next(head());
    arriving.add(stored);
    expect(arriving.next(undefined)?.answer).toMatchObject({ frame: { stored } });
  });

  it.each([
    ['another length', head(399)],
    ['another frame', head(400, { id: 2 })],
    ['another pack', head(400, { pack: 2 })],
  ])('does not go on as %s', (_, other) => {
    arriving.begin();
    expect(() => arriving.next(other)).toThrowError(expect.objectContaining({ code: 'READ_MALFORMED' }));
  });

  it('goes on once', () => {
    arriving.begin();
    arriving.next(head(400));
    expect(() => arriving.next(head(400))).toThrowError(expect.objectContaining({ code: 'READ_MALFORMED' }));
  });
});
