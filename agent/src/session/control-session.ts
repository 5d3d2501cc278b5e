import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { CheckSource, Welcome } from '@holdfast/proto/v1';
import type { HostFacts } from '../enrollment/ports.js';
import type { FilesSource, FinishedJob, JobCommand, JobProgress, JobRef, PathNotice } from '../jobs/job.js';
import type { JobHost, JobReports } from '../jobs/job-host.js';
import type { AgentLog } from '../log.js';
import { errorFacts } from '../log.js';
import { BackOff } from './back-off.js';
import type { Bandwidth } from './bandwidth.js';
import { fromWireBandwidth } from './bandwidth-message.js';
import { controlChannel } from './channel.js';
import type { FromServer, ToServer } from './control-connection.js';
import { ControlConnection } from './control-connection.js';
import { Heartbeat } from './heartbeat.js';
import {
  fromFilesDatasource,
  fromStartBackup,
  fromStartRestore,
  fromWireRef,
  toJobProgress,
  toSourceCheck,
  toWireRef,
} from './job-messages.js';
import { isRenewalDue, renewCertificate } from './renew-certificate.js';
import type { ServerAccess } from './server-access.js';
import type { UnsettledJobs } from './unsettled-jobs.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A revoked agent is never let in again; somebody has to enrol the host anew. */
export const REVOKED_WAIT_MS = 15 * 60_000;
const WELCOME_TIMEOUT_MS = 30_000;
const RENEWAL_CHECK_MS = 60_000;
const SHORTEST_HEARTBEAT_MS = 200;

const CAPABILITIES = ['workload.files', 'restore.files'];

export interface ControlSessionPorts {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly log: AgentLog;
  readonly access: ServerAccess;
  readonly bandwidth: Pick<Bandwidth, 'apply'>;
  readonly unsettled: UnsettledJobs;
  readonly host: HostFacts;
  /** 16 bytes: this state folder on this running system. A copy of the host shows the same certificate. */
  readonly instance: Buffer;
  /** SHA-256 of this host's boot id; undefined where it has none. */
  readonly bootIdSha256: Buffer | undefined;
  readonly onState: (state: ConnectionState) => void;
  /** The roots that could not be backed up as things are. */
  readonly checkSource: (source: FilesSource) => Promise<readonly PathNotice[]>;
}

export interface ConnectionState {
  readonly connected: boolean;
  readonly lastError: string | undefined;
}

/**
 * The agent's standing connection to control: keeps it up, hands commands to the job host and the host's reports to the
 * server. Jobs outlive the connection; what ends meanwhile is kept and told after the next Welcome, until it is settled.
 */
export class ControlSession implements JobReports {
  private readonly backOff: BackOff;
  /** From Welcome to the end of the connection. */
  private welcomed: ControlConnection | undefined;

  constructor(private readonly ports: ControlSessionPorts) {
    this.backOff = new BackOff(ports.random, FIRST_WAIT_MS, LONGEST_WAIT_MS);
  }

  /** Connects, and connects again, until the signal fires. */
  async run(jobs: JobHost, signal: AbortSignal): Promise<void> {
    const { clock, log, onState } = this.ports;
    while (!signal.aborted) {
      const reason = await this.connectOnce(jobs, signal);
      if (signal.aborted) break;
      const isRevoked = reason.code === 'AGENT_REVOKED';
      const waitMs = isRevoked ? REVOKED_WAIT_MS : this.backOff.next();
      const message = isRevoked ? this.whatToDoOnceRevoked() : reason.message;
      onState({ connected: false, lastError: message });
      const facts = { ...errorFacts(reason), reason: message, waitMs };
      if (isRevoked) log.error(facts, 'the server does not let this agent in any more');
      else log.warn(facts, 'not connected to the server');
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  private whatToDoOnceRevoked(): string {
    return `This agent was revoked: the server will not let it in again. To back up this host again, stop the agent, remove ${this.ports.access.folder.path}, and enrol the host anew ("holdfast agent token" gives the command).`;
  }

  accepted(job: JobRef): void {
    this.welcomed?.send({ $case: 'jobAccepted', value: { job: toWireRef(job) } });
  }

  progress(progress: JobProgress): void {
    this.welcomed?.sendIfFree({ $case: 'jobProgress', value: toJobProgress(progress) });
  }

  async finished(finished: FinishedJob): Promise<void> {
    const { message, keep } = this.ports.unsettled.add(finished);
    try {
      await keep();
      reached('agent.outcome-kept');
    } catch (error) {
      // On a full disk the server is told all the same; only a crash before that runs the job again.
      this.ports.log.error({ job: finished.job.jobId, ...errorFacts(error) }, 'the result could not be kept');
    }
    this.welcomed?.send({ $case: 'jobFinished', value: message });
  }

  private async connectOnce(jobs: JobHost, signal: AbortSignal): Promise<HoldfastError> {
    const { clock, log, access } = this.ports;
    let heartbeat: Heartbeat | undefined;
    const connection = new ControlConnection(
      controlChannel(access.identity.controlAddress, access.identity),
      (message) => {
        heartbeat?.heard();
        if (message.$case === 'welcome') heartbeat ??= this.welcome(connection, message.value, jobs);
        else if (this.welcomed === connection) this.obey(connection, message, jobs);
      },
    );
    const close = (): void => connection.leave('The agent is stopping.');
    signal.addEventListener('abort', close, { once: true });
    const cancelTimeout = clock.after(
      WELCOME_TIMEOUT_MS,
      () => heartbeat ?? connection.close('The server did not answer.'),
    );
    const stopRenewal = this.renewWhenDue(connection);
    connection.send(this.hello(jobs));
    const reason = await connection.ended;
    this.welcomed = undefined;
    signal.removeEventListener('abort', close);
    cancelTimeout();
    stopRenewal();
    heartbeat?.stop();
    log.info({ reason: reason.message }, 'the control stream ended');
    return reason;
  }

  private hello(jobs: JobHost): ToServer {
    const running = [...jobs.running(), ...this.ports.unsettled.refs()].map(toWireRef);
    return {
      $case: 'hello',
      value: { host: { ...this.ports.host }, capabilities: CAPABILITIES, running, instance: this.ports.instance },
    };
  }

  private welcome(connection: ControlConnection, welcome: Welcome, jobs: JobHost): Heartbeat {
    const { clock, log, access, unsettled, onState } = this.ports;
    this.welcomed = connection;
    this.backOff.reset();
    access.dataAddress = welcome.dataAddress;
    access.serverFolders = this.serverFoldersHere(welcome);
    this.limit(welcome.bandwidthLimits);
    log.info({ server: access.identity.controlAddress, data: welcome.dataAddress }, 'connected');
    onState({ connected: true, lastError: undefined });
    const fenced = welcome.fenced.map(fromWireRef);
    for (const job of fenced) {
      jobs.fence(job);
      this.inBackground(unsettled.forget(job));
    }
    for (const message of unsettled.all()) connection.send({ $case: 'jobFinished', value: message });
    return new Heartbeat(
      clock,
      Math.max(welcome.heartbeatIntervalMs, SHORTEST_HEARTBEAT_MS),
      (sequence) => connection.send({ $case: 'heartbeat', value: { sequence } }),
      () => connection.close('The server went silent.'),
    );
  }

  /** Device and inode mean something under one kernel only. */
  private serverFoldersHere({ serverBootId, serverFolders }: Welcome): Welcome['serverFolders'] {
    const { bootIdSha256 } = this.ports;
    return bootIdSha256?.equals(serverBootId) === true ? serverFolders : [];
  }

  private obey(connection: ControlConnection, message: FromServer, jobs: JobHost): void {
    try {
      switch (message.$case) {
        case 'startBackup':
          this.start(connection, fromStartBackup(message.value), jobs);
          return;
        case 'startRestore':
          this.start(connection, fromStartRestore(message.value), jobs);
          return;
        case 'cancelJob':
          jobs.cancel(fromWireRef(message.value.job));
          return;
        case 'checkSource':
          void this.check(connection, message.value);
          return;
        case 'jobSettled':
          this.inBackground(this.ports.unsettled.forget(fromWireRef(message.value.job)));
          return;
        case 'bandwidthLimits':
          this.limit(message.value);
          return;
        case 'heartbeatAck':
        case 'welcome':
          return;
      }
    } catch (error) {
      // Without a meaningful command there is no job to report on: its lease ends, and the server names the failure.
      this.ports.log.error(errorFacts(error), 'a command of the server was not understood');
    }
  }

  /** What cannot be checked is not answered: the server goes on without. */
  private async check(connection: ControlConnection, { checkId, files }: CheckSource): Promise<void> {
    try {
      const troubles = await this.ports.checkSource(fromFilesDatasource(files));
      connection.send({ $case: 'sourceChecked', value: { checkId, check: toSourceCheck(troubles) } });
    } catch (error) {
      this.ports.log.warn(errorFacts(error), 'a datasource could not be checked');
    }
  }

  /** Limits that make no sense change nothing: those before them hold on. */
  private limit(limits: Welcome['bandwidthLimits']): void {
    const { bandwidth, log } = this.ports;
    try {
      const { windows, ...otherwise } = fromWireBandwidth(limits);
      bandwidth.apply({ ...otherwise, windows });
      log.info({ ...otherwise, windows: windows.length }, 'bandwidth limits');
    } catch (error) {
      log.error(errorFacts(error), 'bandwidth limits of the server were not understood');
    }
  }

  private start(connection: ControlConnection, command: JobCommand, jobs: JobHost): void {
    const done = this.ports.unsettled.find(command.job);
    if (done === undefined) jobs.start(command);
    else connection.send({ $case: 'jobFinished', value: done });
  }

  /** The renewed certificate counts from the next connection on, so this one ends. */
  private renewWhenDue(connection: ControlConnection): () => void {
    const { clock, access, log } = this.ports;
    let cancel = (): void => {};
    const check = async (): Promise<void> => {
      if (this.welcomed === connection && isRenewalDue(access.identity, clock.now())) {
        try {
          await access.replaceIdentity(
            await renewCertificate(access.identity, (request) => connection.renewCertificate(request)),
          );
          log.info({}, 'the certificate was renewed');
          return connection.close('The certificate was renewed.');
        } catch (error) {
          log.warn(errorFacts(error), 'the certificate could not be renewed; trying again');
        }
      }
      arm();
    };
    const arm = (): void => {
      cancel = clock.after(RENEWAL_CHECK_MS, () => void check());
    };
    arm();
    return () => cancel();
  }

  private inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.ports.log.error(errorFacts(error), 'the state folder could not be written'));
  }
}
