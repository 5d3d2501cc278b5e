/** A restore in a thread of its own: what opens frames, checks chunks and writes files happens here, all but the talk with the server. */
import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toWireError } from '@holdfast/core/errors';
import { withBuffers } from '../../../platform/cloned.js';
import { FolderSet } from '../../../workloads/files/folder-set.js';
import { JobRun } from '../../job-run.js';
import { HelperThreads } from '../helpers/helper-threads.js';
import { ThreadedOpener } from '../helpers/threaded-opener.js';
import { ThreadedWriters } from '../helpers/threaded-writers.js';
import { RestoreJournals } from '../restore-journals.js';
import { runRestore } from '../run-restore.js';
import { RemoteSession } from './remote-session.js';
import type { FromRestore, RestoreEnd, RestoreSetup, RunState, ToRestore } from './restore-messages.js';

const port = parentPort;
if (!port) throw new Error('restore.worker runs as a worker thread');

const PROGRESS_MS = 200;
const MOST_HELPERS = 4;

const { command, restoreRoots, own, journalFolder } = withBuffers(workerData as RestoreSetup);
const tell = (message: FromRestore): void => port.postMessage(message);
const run = new JobRun(command.job, command);
const session = new RemoteSession(tell);

port.on('message', (message: ToRestore) => {
  if (message.kind === 'stop') run.stop(message.reason);
  else session.hear(message);
});

// With this thread they keep more cores busy than there are: whoever waits for the disk leaves its core to another.
const helpers = new HelperThreads(command, Math.min(availableParallelism(), MOST_HELPERS));
const state = (): RunState => run.progress();
const progress = setInterval(() => tell({ kind: 'progress', state: state() }), PROGRESS_MS);
const end = await restore();
clearInterval(progress);
helpers.close();
tell({ kind: 'ended', state: state(), notices: run.notices.all(), end });
// Nothing else keeps the thread.
port.close();

async function restore(): Promise<RestoreEnd> {
  try {
    const outcome = await runRestore(command, run, {
      transport: session,
      restoreRoots: async () => restoreRoots,
      onIgnoredRoot: (root, reason) => tell({ kind: 'rootIgnored', root, reason }),
      ownFolders: () => new FolderSet(own.paths, own.folders),
      journals: new RestoreJournals(journalFolder),
      writers: new ThreadedWriters(helpers),
      opener: new ThreadedOpener(helpers),
    });
    return { outcome };
  } catch (error) {
    return { error: toWireError(error), stack: error instanceof Error ? error.stack : undefined };
  }
}
