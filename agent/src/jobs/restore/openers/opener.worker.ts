/** Opens the frames that a restore's thread hands over: ciphers, decompression and hashes are most of what a large restore costs. */
import { parentPort, workerData } from 'node:worker_threads';
import { toWireError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import { withBuffers } from '../../../platform/cloned.js';
import { HereOpener, type OpeningKeys } from './frame-opener.js';
import { type FromOpener, packChunks, type ToOpener } from './opener-messages.js';

const port = parentPort;
if (!port) throw new Error('opener.worker runs as a worker thread');

const opener = new HereOpener(withBuffers(workerData as OpeningKeys));
const garbage = new YoungGarbage();
const tell = (message: FromOpener, handed: ArrayBuffer[] = []): void => port.postMessage(message, handed);

port.on('message', (message: ToOpener) => {
  // Nothing else keeps the thread.
  if (message.kind === 'close') return port.close();
  const { call, frame } = message;
  try {
    const opened = packChunks(opener.openNow(withBuffers(frame)));
    tell({ call, opened }, [opened.contents]);
    garbage.add(2 * frame.stored.length + opened.contents.byteLength);
  } catch (error) {
    tell({ call, error: toWireError(error) });
  }
});
