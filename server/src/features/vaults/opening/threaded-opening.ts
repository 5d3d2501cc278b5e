import { Worker } from 'node:worker_threads';
import type { OpenedChunk } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../../platform/telemetry/log.js';
import { CutQueue } from './cut-queue.js';
import type { ClosedFrame, DomainAccess, FrameOpening } from './frame-opening.js';
import {
  asBuffer,
  fromPlainError,
  type OpeningAnswers,
  type OpeningCall,
  type OpeningReply,
  type OpeningRequest,
  own,
} from './opening-messages.js';

export interface ThreadedOpening extends FrameOpening {
  /** Who waits, and who asks from now on, gets Unavailable. */
  stop(): Promise<void>;
}

export interface ThreadedOpeningPorts {
  readonly log: Log;
  /** Starts the thread, where its built file is not beside this one. */
  readonly startThread?: () => Worker;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** One thread that opens frames, started when it is first needed and again after it died; who waited on it then gets Unavailable. */
export function startThreadedOpening({ log, startThread = startBuiltThread }: ThreadedOpeningPorts): ThreadedOpening {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let lastId = 0;
  /** Of cuts one is in the thread at a time, so that keys, which every restore waits for, wait for one at most. */
  const cuts = new CutQueue();
  let stopped = false;

  function running(): Worker {
    if (worker) return worker;
    const started = startThread();
    // It must not keep a process alive that is done otherwise.
    started.unref();
    started.on('message', settle);
    started.on('error', (error) => log.error({ err: error }, 'opening.thread-failed'));
    started.on('exit', () => {
      if (worker === started) worker = undefined;
      for (const waiting of pending.values()) waiting.reject(threadEnded());
      pending.clear();
    });
    worker = started;
    return started;
  }

  function settle(reply: OpeningReply): void {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if ('error' in reply) waiting?.reject(fromPlainError(reply.error));
    else waiting?.resolve(reply.answer);
  }

  function ask<Kind extends OpeningRequest['kind']>(
    request: OpeningRequest & { readonly kind: Kind },
  ): Promise<OpeningAnswers[Kind]> {
    return new Promise((resolve, reject) => {
      if (stopped) return reject(threadEnded());
      const call: OpeningCall = { id: ++lastId, request };
      pending.set(call.id, { resolve: (answer) => resolve(answer as OpeningAnswers[Kind]), reject });
      running().postMessage(call);
    });
  }

  return {
    async openNodes(access, frame) {
      const chunks = await ask({ kind: 'open-nodes', access: ownAccess(access), frame: ownFrame(frame) });
      return chunks.map(
        ({ id, plaintext, edges }): OpenedChunk => ({
          id: asBuffer(id),
          plaintext: asBuffer(plaintext),
          edges: asBuffer(edges),
        }),
      );
    },
    async releaseFrameKeys(access, transportKey, questions) {
      const owned = questions.map((question) => ({
        sessionKey: own(question.sessionKey),
        frameDigest: own(question.frameDigest),
      }));
      const sealed = await ask({
        kind: 'release-keys',
        access: ownAccess(access),
        transportKey: own(transportKey),
        questions: owned,
      });
      return sealed.map(asBuffer);
    },
    async cutFrame(access, transportKey, frame, chunkIds, { agentId, over }) {
      const cut = await cuts.run(agentId, over, () =>
        ask({
          kind: 'cut-frame',
          access: ownAccess(access),
          transportKey: own(transportKey),
          frame: ownFrame(frame),
          chunkIds: chunkIds.map(own),
        }),
      );
      return (
        cut && {
          frame: asBuffer(cut.frame),
          stored: asBuffer(cut.stored),
          sealedFrameKey: asBuffer(cut.sealedFrameKey),
        }
      );
    },
    async verifyFrame(access, frame) {
      const { good, bad } = await ask({
        kind: 'verify-frame',
        access: access && ownAccess(access),
        frame: ownFrame(frame),
      });
      return { good: good.map(asBuffer), bad: bad.map(asBuffer) };
    },
    async stop() {
      stopped = true;
      await worker?.terminate();
    },
  };
}

function startBuiltThread(): Worker {
  return new Worker(new URL('./opening.worker.js', import.meta.url), { name: 'opening' });
}

function ownAccess(access: DomainAccess): DomainAccess {
  return { ...access, privateKey: own(access.privateKey), idKey: own(access.idKey) };
}

function ownFrame({ packKind, sessionKey, frame, bytes }: ClosedFrame): ClosedFrame {
  return { packKind, sessionKey: own(sessionKey), frame: own(frame), bytes: own(bytes) };
}

function threadEnded(): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'OPENING_THREAD_ENDED',
    message: 'The thread that opens frames ended; try again.',
  });
}
