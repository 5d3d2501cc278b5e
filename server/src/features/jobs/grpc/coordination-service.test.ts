import type { ServiceError } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { asHoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import { type CoordinationServiceClient, type CutFrameResponse, PackKind } from '@holdfast/proto/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import { answer, type Control, startControl, wireRef } from '../../agents/grpc/testing/control-fixture.js';
import type { CoordinationUseCases } from '../coordination.js';

const ID = '01901234-5678-7abc-8def-0123456789ab';
const bytes = Buffer.alloc(32, 1);
const request = {
  job: wireRef({ jobId: ID, epoch: 1 }),
  domainId: uuidToBytes(ID),
  sessionKey: bytes,
  kind: PackKind.PACK_KIND_DATA,
  frame: bytes,
  stored: bytes,
  chunkIds: bytes,
};

let db: TestDatabase;
let control: Control;
let gateway: CoordinationServiceClient;
/** The next cut, as the use case is asked for it. */
let cut: CoordinationUseCases['cutFrame'];

beforeAll(async () => {
  db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
  control = await startControl(db, {
    useCases: { cutFrame: (...asked) => cut(...asked) } as Partial<CoordinationUseCases> as CoordinationUseCases,
  });
  const identity = { role: 'gateway', id: db.context().newId() } as const;
  gateway = control.coordinationClient(await control.authority.issue({ hosts: ['localhost'], identity }));
});
afterAll(async () => {
  gateway.close();
  await control.stop();
  await db.orm.close(true);
});

/** Has a cut begin that is never done, and answers what ends the waiting for it. */
function endlessCut(): Promise<AbortSignal> {
  return new Promise((begun) => {
    cut = (_ctx, { over }) =>
      new Promise((_, reject) => {
        over.addEventListener('abort', () => reject(asHoldfastError(over.reason)));
        begun(over);
      });
  });
}

const fired = (over: AbortSignal) => expect.poll(() => over.aborted, { timeout: 5_000 }).toBe(true);

describe('a frame that a gateway has cut', () => {
  it('comes as it was cut; one that does not open comes empty', async () => {
    const made = {
      frame: systemRandom.bytes(8),
      stored: systemRandom.bytes(9),
      sealedFrameKey: systemRandom.bytes(10),
    };
    cut = async () => made;
    expect(await answer<CutFrameResponse>((done) => gateway.cutFrame(request, done))).toEqual(made);
    cut = async () => undefined;
    const none = Buffer.alloc(0);
    expect(await answer<CutFrameResponse>((done) => gateway.cutFrame(request, done))).toEqual({
      frame: none,
      stored: none,
      sealedFrameKey: none,
    });
  });

  it('is waited for by nobody once the gateway has left the call, or its deadline has passed', async () => {
    let begun = endlessCut();
    let call!: { cancel(): void };
    const left = answer((done: (error: ServiceError | null, response: CutFrameResponse) => void) => {
      call = gateway.cutFrame(request, done);
    });
    left.catch(() => undefined);
    const over = await begun;
    expect(over.aborted).toBe(false);
    call.cancel();
    await expect(left).rejects.toMatchObject({ kind: 'Cancelled' });
    await fired(over);

    begun = endlessCut();
    const late = answer<CutFrameResponse>((done) =>
      gateway.cutFrame(request, new Metadata(), { deadline: new Date(Date.now() + 500) }, done),
    );
    late.catch(() => undefined);
    await fired(await begun);
    await expect(late).rejects.toMatchObject({ kind: 'Timeout' });
  });
});
