/** Makes the files that a restore's thread hands over: making them is most of what a tree of small files costs. */
import { parentPort } from 'node:worker_threads';
import { toWireError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import { writeNewFile } from '../../../workloads/files/new-file.js';
import { type FromWriter, type ToWriter, unpackFiles } from './writer-messages.js';

const port = parentPort;
if (!port) throw new Error('writer.worker runs as a worker thread');

const garbage = new YoungGarbage();
const tell = (message: FromWriter): void => port.postMessage(message);

port.on('message', (message: ToWriter) => {
  // Nothing else keeps the thread.
  if (message.kind === 'close') return port.close();
  const { batch, files } = message;
  try {
    tell({ batch, results: unpackFiles(files).map(writeNewFile) });
  } catch (error) {
    tell({ batch, error: toWireError(error) });
  }
  garbage.add(files.contents.byteLength);
});
