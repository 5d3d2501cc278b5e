import type { Clock, Timers } from '@holdfast/core/clock';
import type { Random } from '@holdfast/core/ids';
import { DataServiceClient } from '@holdfast/proto/v1';
import type { DataSession, DataTransport, OnWait, SessionTerms } from '../jobs/data-transport.js';
import type { JobRef } from '../jobs/job.js';
import { Turns } from '../jobs/turns.js';
import type { AgentLog } from '../log.js';
import { dataChannel } from './channel.js';
import { DataClients } from './data-clients.js';
import { GrpcDataSession } from './data-session.js';
import { toWireRef } from './job-messages.js';
import type { ServerAccess } from './server-access.js';
import { type OpenedSession, SessionLink } from './session-link.js';
import type { Throttle, Throttles } from './throttle.js';
import { callUnary } from './unary-call.js';

const OPEN_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 5_000;

export interface DataTransportPorts {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly access: ServerAccess;
  readonly bandwidth: Throttles;
  readonly log: AgentLog;
}

/** One live session and its connections. */
export interface Opened extends OpenedSession {
  readonly clients: DataClients;
  /** For everything but reads under a limit. */
  readonly client: DataServiceClient;
  /** Of the writes of packs. */
  readonly writes: Turns;
  readonly throttle: Throttle;
  readonly sessionId: Buffer;
  readonly terms: SessionTerms;
}

export class GrpcDataTransport implements DataTransport {
  constructor(private readonly ports: DataTransportPorts) {}

  async openSession(job: JobRef, signal: AbortSignal, onWait: OnWait): Promise<DataSession> {
    const { clock, random, log, bandwidth } = this.ports;
    const link = new SessionLink({ clock, random, log, open: (...asked) => this.open(...asked), onWait }, job);
    const terms = await link.attempt(signal, (opened) => Promise.resolve(opened.terms));
    // An earlier session of the job may have waited when it ended.
    onWait('');
    return new GrpcDataSession(link, terms, bandwidth.download);
  }

  private async open(job: JobRef, signal: AbortSignal): Promise<Opened> {
    const { access, bandwidth } = this.ports;
    const clients = new DataClients((windowBytes) => {
      const { address, credentials, options } = dataChannel(access.dataAddress, access.identity, windowBytes);
      return new DataServiceClient(address, credentials, options);
    });
    const client = clients.main;
    const letGo = (): void => clients.close();
    try {
      const answer = await callUnary(
        client.openSession.bind(client),
        { job: toWireRef(job) },
        { timeoutMs: OPEN_TIMEOUT_MS, signal },
      );
      const { sessionId, ...terms } = answer;
      const close = async (): Promise<void> => {
        await callUnary(client.closeSession.bind(client), { sessionId }, { timeoutMs: CLOSE_TIMEOUT_MS });
      };
      return { clients, client, writes: new Turns(1), throttle: bandwidth.upload, sessionId, terms, close, letGo };
    } catch (error) {
      letGo();
      throw error;
    }
  }
}
