/** Opens frames and makes files for a restore's thread: that is most of what a restore costs. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeFrameEntry } from '@holdfast/core/engine';
import { toWireError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import { withBuffers } from '../../../platform/cloned.js';
import { writeNewFile } from '../../../workloads/files/new-file.js';
import { PACK_KINDS } from '../../pack-kinds.js';
import { type FrameKeys, FrameOpening } from '../frame-opener.js';
import type { FromHelper, ToHelper, Work } from './helper-messages.js';
import { unpackFiles } from './packed-files.js';

const port = parentPort;
if (!port) throw new Error('helper.worker runs as a worker thread');

const opening = new FrameOpening(withBuffers(workerData as FrameKeys));
const garbage = new YoungGarbage();
const tell = (message: FromHelper, handed: ArrayBuffer[] = []): void => port.postMessage(message, handed);

port.on('message', (message: ToHelper) => {
  // Nothing else keeps the thread.
  if (message.kind === 'close') return port.close();
  const { number, work } = message;
  try {
    if (work.kind === 'write') write(number, work);
    else open(number, work);
  } catch (error) {
    tell({ number, error: toWireError(error) });
  }
});

function write(number: number, { files }: Work & { kind: 'write' }): void {
  tell({ number, done: unpackFiles(files).map(writeNewFile) });
  garbage.add(files.contents.byteLength);
}

function open(number: number, { frame, wanted }: Work & { kind: 'open' }): void {
  const sealed = withBuffers(frame);
  const opened = opening.open(sealed, decodeFrameEntry(sealed.entry, PACK_KINDS[frame.kind]), wanted);
  // A frame's plaintext has memory of its own, but a small one's may lie in the pool.
  const memory = opened.plaintext?.buffer as ArrayBuffer | undefined;
  tell({ number, done: opened }, memory && memory.byteLength > Buffer.poolSize ? [memory] : []);
  garbage.add(2 * frame.stored.byteLength);
}
