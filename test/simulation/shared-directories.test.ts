import { PackKind } from '@holdfast/core/engine';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { afterEach, expect, it } from 'vitest';
import type { ReadAnswer } from '../../agent/src/jobs/data-transport.js';
import { splitIds } from '../../agent/src/jobs/ids.js';
import { ChunkReader } from '../../agent/src/jobs/restore/chunk-reader.js';
import type { Session } from '../../server/src/gateway/sessions/session.js';
import { World } from '../../server/src/gateway/testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

/** A restore's reader as an agent has it, whose questions the gateway answers. */
function readerOf(session: Session): ChunkReader {
  async function* readChunks(ids: readonly Buffer[], avoid: readonly Buffer[]): AsyncGenerator<ReadAnswer> {
    for (const part of await world.read(session, ids, avoid.map(uuidFromBytes))) {
      if (part.kind === 'damaged') yield { kind: 'damaged', ids: splitIds(part.chunkIds), reason: part.reason };
      else
        yield {
          kind: 'frame',
          frame: {
            packId: uuidToBytes(part.pack.id),
            kind: part.pack.kind === PackKind.PACK_KIND_NODE ? 'NODE' : 'DATA',
            entry: part.entry,
            sealedKey: part.sealedFrameKey,
            domainId: uuidToBytes(part.pack.domainId),
            stored: part.bytes,
          },
        };
    }
  }
  const { domain } = world.alice;
  const keys = { vaultId: uuidToBytes(domain.vaultId), idKey: domain.secret.idKey };
  return new ChunkReader(
    { readChunks },
    { ...keys, transportKey: world.control.transportKey },
    new AbortController().signal,
  );
}

it('has a frame cut once for all directories in it that a restore walks, however often it walks them', async () => {
  world = await World.create('shared directories');
  const { alice, bob } = world;
  const { session: theirs } = await world.backup(alice);
  const file = alice.data('a file');
  const directories = Array.from({ length: 200 }, (_, place) => alice.node(`directory ${place}`, [file]));
  const secret = alice.node('of alice alone', [file]);
  await world.upload(theirs, alice.pack([[file]]));
  await world.upload(theirs, alice.pack([[secret, ...directories]]));
  const all = alice.node('all', [secret, ...directories]);
  await world.upload(theirs, alice.pack([[all]]));
  await world.commit(theirs, all.id);
  const { session } = await world.backup(bob);
  expect(await world.has(session, directories)).toEqual(directories.map(() => true));
  const root = bob.node('root', directories);
  await world.upload(session, bob.pack([[root]]));
  await world.commit(session, root.id);

  const reader = readerOf(await world.restore(bob, root.id));
  for (let walk = 0; walk < 2; walk += 1)
    for (const { id, content } of [root, ...directories])
      expect((await reader.fetch([id])).get(id).plaintext.equals(content)).toBe(true);
  expect(world.control.cuts).toEqual([{ of: 201, wanted: 200 }]);
});
