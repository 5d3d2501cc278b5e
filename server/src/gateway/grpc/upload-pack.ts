import type { handleClientStreamingCall, ServerReadableStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import { YoungGarbage } from '@holdfast/core/memory';
import { reached } from '@holdfast/core/moments';
import type { PackHeader, UploadPackRequest, UploadPackResponse } from '@holdfast/proto/v1';
import { requireRole } from '../../platform/grpc/caller.js';
import { toGrpcStatus } from '../../platform/grpc/errors.js';
import type { GatewayCore } from '../gateway-core.js';
import type { Place } from '../place.js';
import type { AnnouncedPack } from '../sessions/receive-pack.js';
import type { Session } from '../sessions/session.js';
import { Upload } from '../sessions/upload.js';
import { PieceSizes } from './piece-sizes.js';
import { tellIncident } from './tell-incident.js';
import { malformed, readPackKind } from './wire.js';

/** Initial metadata: how many bytes of the pack's frames the gateway has from an earlier call, as a decimal number. */
const RECEIVED_BYTES = 'holdfast-received-bytes';

type Call = ServerReadableStream<UploadPackRequest, UploadPackResponse>;

/** What arrives lies in buffers of 16 KiB, and once more in the message that they made. */
const garbage = new YoungGarbage();

/**
 * One pack per call: header, pieces of frames, pieces of the footer. Read no faster than the store takes it. After the header either
 * the answer comes, when the pack is stored already, or the call's initial metadata: go on, from where an earlier call gave its place up.
 */
export function uploadPack(core: GatewayCore): handleClientStreamingCall<UploadPackRequest, UploadPackResponse> {
  return (call, callback) => {
    void receive(core, call).then(
      (storedBytes) => {
        callback(null, { storedBytes: BigInt(storedBytes) });
        reached('gateway.pack-answered');
      },
      (error: unknown) => {
        if (asHoldfastError(error).kind === 'Internal')
          core.log.error({ err: error, method: call.getPath() }, 'grpc.defect');
        callback(toGrpcStatus(error));
      },
    );
  };
}

async function receive(core: GatewayCore, call: Call): Promise<number> {
  const { id: agentId } = requireRole(call, 'agent');
  const stall = new StallWatch(core, call);
  const sizes = new PieceSizes();
  let upload: Upload | undefined;
  let sessionId: Buffer | undefined;
  let leave: () => void = () => undefined;
  // Destroyed by a timer or by the end of its session, the call may have nobody else who listens.
  call.on('error', () => undefined);
  try {
    call.once('cancelled', () => call.destroy(callerGone()));
    for await (const { part } of call as AsyncIterable<UploadPackRequest>) {
      stall.pause();
      if (part === undefined) throw malformed('An upload has a message without content.');
      if (part.$case === 'header') {
        if (upload) throw malformed('An upload has one header.');
        sessionId = part.value.sessionId;
        const session = core.sessions.find(agentId, uuidFromBytes(sessionId));
        const pack = announcedBy(part.value);
        const place = await placeFor(core, call, session);
        const stop = endWith(AbortSignal.any([session.signal, place.signal]), call);
        leave = () => {
          stop();
          place.leave();
        };
        const started = await Upload.start(core, session, pack, place);
        if (typeof started === 'number') return started;
        upload = started;
        call.sendMetadata(goesOnFrom(upload));
      } else if (!upload) throw malformed('An upload starts with its header.');
      else {
        const { data, last } = part.value;
        sizes.check(data.length, last);
        garbage.add(2 * data.length);
        if (part.$case === 'frame') await upload.piece(data, last);
        else {
          upload.footerPiece(data);
          if (last) return await upload.finish();
        }
      }
      stall.resume();
    }
    throw malformed('An upload ended without its footer.');
  } catch (error) {
    tellIncident(core, { kind: 'uploadPack', agentId, ...(sessionId && { sessionId }) }, error);
    await upload?.fail(error);
    throw error;
  } finally {
    stall.pause();
    leave();
  }
}

function announcedBy({ packId, kind, again }: PackHeader): AnnouncedPack {
  return { packId: uuidFromBytes(packId), kind: readPackKind(kind), again };
}

function goesOnFrom({ received }: Upload): Metadata {
  const metadata = new Metadata();
  metadata.set(RECEIVED_BYTES, String(received));
  return metadata;
}

/**
 * An upload waits for its place by its header alone: what else it sent would lie in memory all the while, 16 MiB and more of each. It is
 * told to come again instead, and an agent that comes again waits to be asked for the rest.
 */
async function placeFor(core: GatewayCore, call: Call, session: Session): Promise<Place> {
  const early = new AbortController();
  const look = (): void => {
    if (call.readableLength > 0) early.abort(comesTooEarly());
  };
  const guest = { group: session.vault.vaultId, key: session.agentId };
  const waits = (): void => {
    call.on('readable', look);
    look();
  };
  const gone = new AbortController();
  const leave = (): void => gone.abort(call.errored ?? callerGone());
  call.once('close', leave);
  try {
    const over = AbortSignal.any([session.signal, early.signal, gone.signal]);
    return await session.waitingFor(() => core.uploads.enter(guest, over, waits));
  } finally {
    call.off('readable', look);
    call.off('close', leave);
  }
}

function comesTooEarly(): HoldfastError {
  return new HoldfastError({
    kind: 'RateLimited',
    code: 'UPLOAD_HAS_TO_WAIT',
    message: 'Others are sending packs: this one comes again, and waits to be asked for.',
  });
}

function endWith(signal: AbortSignal, call: Call): () => void {
  const stop = (): void => void call.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

function callerGone(): HoldfastError {
  return new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' });
}

/** Gives an upload up whose next piece does not come, time that the store takes not counted. */
class StallWatch {
  private cancel: () => void = () => undefined;

  constructor(
    private readonly core: GatewayCore,
    private readonly call: Call,
  ) {
    this.resume();
  }

  resume(): void {
    this.cancel = this.core.timers.after(this.core.limits.stallMs, () => this.call.destroy(stalled()));
  }

  pause(): void {
    this.cancel();
  }
}

function stalled(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'UPLOAD_STALLED',
    message: 'The next piece of the pack did not come in time.',
  });
}
