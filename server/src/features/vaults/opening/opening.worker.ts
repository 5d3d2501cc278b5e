import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { systemRandom } from '@holdfast/core/ids';
import { FrameOpener } from './frame-opener.js';
import { type OpeningCall, type OpeningReply, type OpeningRequest, own, toPlainError } from './opening-messages.js';

/**
 * The thread that holds opened session keys and sees plaintext, so that the event loop serves requests meanwhile.
 * It gives way to everything else on the machine.
 */
const GIVE_WAY = 5;

const port = parentPort;
if (!port) throw new Error('opening.worker runs as a worker thread');
try {
  // On Linux a process id of 0 means the calling thread.
  setPriority(0, GIVE_WAY);
} catch {
  // Not every system lets a process lower its own priority; the work is the same.
}

const opener = new FrameOpener(systemRandom);

port.on('message', (call: OpeningCall) => {
  void answer(call).then((reply) => port.postMessage(reply));
});

async function answer({ id, request }: OpeningCall): Promise<OpeningReply> {
  try {
    return { id, answer: await perform(request) };
  } catch (error) {
    return { id, error: toPlainError(error) };
  }
}

async function perform(request: OpeningRequest): Promise<unknown> {
  switch (request.kind) {
    case 'open-nodes': {
      const chunks = await opener.openNodes(request.access, request.frame);
      return chunks.map(({ id, plaintext, edges }) => ({ id: own(id), plaintext: own(plaintext), edges: own(edges) }));
    }
    case 'release-keys':
      return (await opener.releaseFrameKeys(request.access, request.transportKey, request.questions)).map(own);
    case 'cut-frame': {
      const cut = await opener.cutFrame(request.access, request.transportKey, request.frame, request.chunkIds);
      return cut && { frame: own(cut.frame), stored: own(cut.stored), sealedFrameKey: own(cut.sealedFrameKey) };
    }
    case 'verify-frame': {
      const { good, bad } = await opener.verifyFrame(request.access, request.frame);
      return { good: good.map(own), bad: bad.map(own) };
    }
  }
}
