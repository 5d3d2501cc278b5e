/**
 * An agent that means harm to a gateway, in a process of its own: `attack-main.js SETTINGS` (JSON). Each attack goes on until the process is
 * ended; what the server refuses is only counted, and told once a second as a line of JSON.
 */
import fs from 'node:fs';
import { status } from '@grpc/grpc-js';
import { systemRandom } from '@holdfast/core/ids';
import {
  BackupType,
  DataServiceClient,
  PackKind,
  type ReadChunksRequest,
  type UploadPackRequest,
} from '@holdfast/proto/v1';
import {
  answerOf,
  CHANNEL,
  credentialsOf,
  NO_COUNTERS,
  type StolenIdentity,
} from '../../kit/holdfast/hostile-agent.js';
import { wireFloods } from './wire-floods.js';

export interface AttackSettings {
  /**
   * `streams` takes every place that an agent has, with calls that say nothing; `work` asks for all the work that it can; `frames` sends as many
   * that say nothing as are borne, and `floods` more than that.
   */
  readonly kind: 'streams' | 'work' | 'frames' | 'floods';
  readonly address: string;
  readonly controlAddress: string;
  readonly identityFile: string;
  /** Hex: sessions that the agent opened, for a backup and for a restore, and what the restore may read. */
  readonly backup: string;
  readonly restore: string;
  readonly readable: string;
  /** A backup of very many nodes to which a chunk is missing, and one of them. */
  readonly stuck: string;
  readonly root: string;
}

const MIB = 1 << 20;
const STREAMS = 2_000;
/** With those of the other attacks, as many as one agent may have. */
const CONNECTIONS = 5;
const READERS = 4;
const MOST_CLAIMS = 8_192;

type Part = NonNullable<UploadPackRequest['part']>;

const settings = JSON.parse(process.argv[2] ?? '') as AttackSettings;
const identity = JSON.parse(fs.readFileSync(settings.identityFile, 'utf8')) as StolenIdentity;
const backup = Buffer.from(settings.backup, 'hex');
const restore = Buffer.from(settings.restore, 'hex');
const outcomes = new Map<string, number>();

function count(attack: string, outcome: string): void {
  const key = `${attack}: ${outcome}`;
  outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
}

function connect(): DataServiceClient {
  return new DataServiceClient(settings.address, credentialsOf(identity), CHANNEL);
}

const header = (): Part => ({
  $case: 'header',
  value: { sessionId: backup, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA, again: false },
});

/** Resolves to how it ended; `parts` are sent without waiting for anything. */
function upload(client: DataServiceClient, parts: readonly Part[], end = true): Promise<string> {
  return new Promise((resolve) => {
    const call = client.uploadPack((error) => resolve(error === null ? 'OK' : (status[error.code] ?? 'ERROR')));
    call.on('error', () => undefined);
    for (const part of parts) call.write({ part });
    if (end) call.end();
  });
}

async function forEver(attack: string, once: () => Promise<string>): Promise<never> {
  for (;;) {
    count(attack, await once().catch((error: { status?: string }) => error.status ?? 'ERROR'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Thousands of uploads that begin and say nothing more, on as many connections as it gets. */
function streams(): void {
  const clients = Array.from({ length: CONNECTIONS }, connect);
  for (let stream = 0; stream < STREAMS; stream += 1) {
    const client = clients[stream % CONNECTIONS] as DataServiceClient;
    void forEver('streams', () => upload(client, [header()], false));
  }
}

function footerOf(bytes: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < bytes.length; at += MIB) {
    const data = bytes.subarray(at, at + MIB);
    parts.push({ $case: 'footer', value: { data, last: at + MIB >= bytes.length } });
  }
  return parts;
}

/** Reads of everything that it may, of which it takes nothing. */
function slowReads(): void {
  for (let reader = 0; reader < READERS; reader += 1) {
    const client = connect();
    const request: ReadChunksRequest = {
      sessionId: restore,
      chunkIds: Buffer.from(settings.readable, 'hex'),
      avoidPacks: [],
      pieceBytes: 0,
    };
    void forEver('slow reads', () => {
      return new Promise((resolve) => {
        const call = client.readChunks(request);
        call.pause();
        call.on('error', (error: { code?: number }) => resolve(status[error.code ?? -1] ?? 'ERROR'));
        call.on('end', () => resolve('OK'));
        setTimeout(() => call.cancel(), 20_000);
      });
    });
  }
}

const client = connect();
const oversized: Part = { $case: 'frame', value: { data: Buffer.alloc(4 * MIB), last: true } };
const frame: Part = { $case: 'frame', value: { data: systemRandom.bytes(100_000), last: true } };
const emptyFrames = footerOf(Buffer.alloc(8 * MIB - 2, Buffer.of(0x32, 0)));
const claims = systemRandom.bytes(MOST_CLAIMS * 32);

/** As much work as the gateway does for one agent at a time. */
function work(): void {
  for (let asker = 0; asker < 4; asker += 1) {
    const asking = connect();
    void forEver('questions', async () => {
      await answerOf((done) => asking.hasChunks({ sessionId: backup, claims }, done));
      return 'OK';
    });
  }
  const committing = connect();
  const commit = {
    sessionId: Buffer.from(settings.stuck, 'hex'),
    rootNode: Buffer.from(settings.root, 'hex'),
    type: BackupType.BACKUP_TYPE_FULL,
    basePointId: Buffer.alloc(0),
    counters: NO_COUNTERS,
  };
  void forEver('commits', async () => {
    await answerOf((done) => committing.commit(commit, done));
    return 'OK';
  });
}

function badUploads(): void {
  void forEver('oversized messages', () => upload(client, [header(), oversized]));
  void forEver('false hashes', () => upload(client, [header(), frame, ...footerOf(systemRandom.bytes(3_000))]));
  void forEver('footers of empty frames', () => upload(client, [header(), frame, ...emptyFrames]));
  void forEver('footers without end', () => upload(client, [header(), ...emptyFrames, ...emptyFrames]));
}

const { kind, address, controlAddress } = settings;
if (kind === 'frames' || kind === 'floods')
  wireFloods({ addresses: [address, controlAddress], identity, isRestless: kind === 'floods', count });
else {
  if (kind === 'streams') streams();
  work();
  slowReads();
  badUploads();
}

setInterval(() => console.log(JSON.stringify(Object.fromEntries(outcomes))), 1_000);
