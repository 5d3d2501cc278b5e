/** A lane in a thread of its own: what reading waits for, and all that costs processor time, happens here. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '@holdfast/core/clock';
import { toWireError } from '@holdfast/core/errors';
import { systemRandom } from '@holdfast/core/ids';
import { collectYoung } from '@holdfast/core/memory';
import { withBuffers } from '../../../platform/cloned.js';
import { openFileContent } from '../../../workloads/files/file-content.js';
import type { PackBuffer, SealedPack } from '../pack-sealer.js';
import { createLane, type SealingSetup } from './create-lane.js';
import type { Lane } from './lane.js';
import { type FromLane, type ToLane, unpackRefs } from './lane-messages.js';

const port = parentPort;
if (!port) throw new Error('lane.worker runs as a worker thread');

const answers = new Map<number, (bits: Uint8Array) => void>();
const waiting: ((buffer: PackBuffer) => void)[] = [];
let asked = 0;

const tell = (message: FromLane, handed: ArrayBuffer[] = []): void => port.postMessage(message, handed);

const lane = createLane(withBuffers(workerData as SealingSetup), {
  host: {
    present: (claims) =>
      new Promise((resolve) => {
        const question = asked++;
        answers.set(question, resolve);
        tell({ kind: 'question', question, claims });
      }),
    counted: (counts) => tell({ kind: 'counted', ...counts }),
  },
  open: (ref) => openFileContent(ref, () => systemClock.now()),
  random: systemRandom,
  takeBuffer: () =>
    new Promise<PackBuffer>((resolve) => {
      waiting.push(resolve);
      tell({ kind: 'want-buffer' });
    }),
  emit: sendPack,
});

let last: Promise<unknown> = lane;

port.on('message', (message: ToLane) => {
  switch (message.kind) {
    case 'read': {
      const { call } = message;
      const refs = unpackRefs(message.refs);
      return inTurn(call, (running) => running.read(refs, (chunks) => tell({ kind: 'part', call, chunks })));
    }
    case 'finish':
      return inTurn(message.call, async (running) => {
        await running.finish();
        return undefined;
      });
    case 'present':
      answers.get(message.question)?.(message.bits);
      answers.delete(message.question);
      return undefined;
    case 'buffer':
      return waiting.shift()?.({ bytes: Buffer.from(message.memory) });
    case 'close':
      // Nothing else keeps the thread.
      return port.close();
  }
});

function inTurn(call: number, work: (running: Lane) => Promise<Awaited<ReturnType<Lane['read']>> | undefined>): void {
  last = last.then(async () => {
    try {
      tell({ kind: 'answer', call, result: await work(await lane) });
    } catch (error) {
      tell({
        kind: 'failed',
        call,
        error: toWireError(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
  });
}

function sendPack({ packId, buffer, frames, footer, bytes, spoiled }: SealedPack): void {
  const places = new Float64Array(frames.length * 2);
  for (const [index, frame] of frames.entries()) {
    places[index * 2] = frame.byteOffset - buffer.bytes.byteOffset;
    places[index * 2 + 1] = frame.length;
  }
  const memory = buffer.bytes.buffer as ArrayBuffer;
  tell({ kind: 'pack', packId, memory, frames: places, footer, bytes, spoiled }, [memory]);
  collectYoung();
}
