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
import type { GatewayLimits } from '../limits.js';
import { PackReceiver } from '../sessions/receive-pack.js';
import { footerTooLarge } from '../sessions/refusals.js';
import type { Session } from '../sessions/session.js';
import { PieceSizes } from './piece-sizes.js';
import { tellIncident } from './tell-incident.js';
import { malformed, readPackKind } from './wire.js';

type Call = ServerReadableStream<UploadPackRequest, UploadPackResponse>;

/** What arrives lies in buffers of 16 KiB, and once more in the message that they made. */
const garbage = new YoungGarbage();

/**
 * One pack per call: header, pieces of frames, pieces of the footer. Read no faster than the store takes it. After the header either
 * the answer comes, when the pack is stored already, or the call's initial metadata: go on.
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
  // Destroyed by a timer or by the end of its session, the call may have nobody else who listens.
  call.on('error', () => undefined);
  try {
    call.once('cancelled', () =>
      call.destroy(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' })),
    );
    for await (const { part } of call as AsyncIterable<UploadPackRequest>) {
      stall.pause();
      if (part === undefined) throw malformed('An upload has a message without content.');
      if (part.$case === 'header') {
        if (upload) throw malformed('An upload has one header.');
        sessionId = part.value.sessionId;
        const started = await Upload.start(core, call, agentId, part.value);
        if (typeof started === 'number') return started;
        upload = started;
        call.sendMetadata(new Metadata());
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
    throw error;
  } finally {
    stall.stop();
    await upload?.end();
  }
}

/** One call's hold on its session, its place among all uploads, and the pack that it receives. */
class Upload {
  private readonly footer: Buffer[] = [];
  private footerBytes = 0;

  private constructor(
    private readonly receiver: PackReceiver,
    private readonly limits: GatewayLimits,
    private readonly leave: () => void,
  ) {}

  /** A number: the stored bytes of a pack that was stored before. */
  static async start(core: GatewayCore, call: Call, agentId: string, header: PackHeader): Promise<Upload | number> {
    const session = core.sessions.find(agentId, uuidFromBytes(header.sessionId));
    const pack = { packId: uuidFromBytes(header.packId), kind: readPackKind(header.kind) };
    const stop = endWithSession(session, call);
    let leavePlace: (() => void) | undefined;
    const leave = (): void => {
      stop();
      leavePlace?.();
    };
    try {
      leavePlace = await core.uploads.enter(agentId, session.signal);
      const receiver = await PackReceiver.start(session, pack, core.limits);
      if (receiver instanceof PackReceiver) return new Upload(receiver, core.limits, leave);
      leave();
      return receiver.storedBytes;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async piece(bytes: Buffer, last: boolean): Promise<void> {
    if (this.footer.length > 0) throw malformed('A frame comes after the footer has begun.');
    await this.receiver.piece(bytes, last);
  }

  footerPiece(bytes: Buffer): void {
    this.footerBytes += bytes.length;
    if (this.footerBytes > this.limits.maxFooterBytes) throw footerTooLarge(this.limits);
    this.footer.push(bytes);
  }

  async finish(): Promise<number> {
    return this.receiver.finish(Buffer.concat(this.footer));
  }

  async end(): Promise<void> {
    try {
      await this.receiver.abort();
    } finally {
      this.leave();
    }
  }
}

function endWithSession(session: Session, call: Call): () => void {
  const stop = (): void => void call.destroy(session.signal.reason as Error);
  session.signal.addEventListener('abort', stop, { once: true });
  return () => session.signal.removeEventListener('abort', stop);
}

/**
 * Gives an upload up whose next piece does not come, time that the store takes not counted; and one that takes too long
 * altogether, piece by small piece, for it holds a place that others wait for.
 */
class StallWatch {
  private cancel: () => void = () => undefined;
  private readonly cancelWhole: () => void;

  constructor(
    private readonly core: GatewayCore,
    private readonly call: Call,
  ) {
    this.cancelWhole = this.after(core.limits.maxUploadMs, 'The pack did not come in time.');
    this.resume();
  }

  resume(): void {
    this.cancel = this.after(this.core.limits.stallMs, 'The next piece of the pack did not come in time.');
  }

  pause(): void {
    this.cancel();
  }

  stop(): void {
    this.cancel();
    this.cancelWhole();
  }

  private after(ms: number, message: string): () => void {
    return this.core.timers.after(ms, () =>
      this.call.destroy(new HoldfastError({ kind: 'Timeout', code: 'UPLOAD_STALLED', message })),
    );
  }
}
