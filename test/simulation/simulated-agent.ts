import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timers } from '@holdfast/core/clock';
import type { Random } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { JobFinished } from '@holdfast/proto/v1';
import { inlineLanes } from '../../agent/src/jobs/backup/lanes/lane-link.js';
import { runBackup } from '../../agent/src/jobs/backup/run-backup.js';
import { checkSource } from '../../agent/src/jobs/check-source.js';
import type { DataTransport } from '../../agent/src/jobs/data-transport.js';
import type { BackupCommand, JobRef } from '../../agent/src/jobs/job.js';
import { JobHost } from '../../agent/src/jobs/job-host.js';
import { RestoreJournals } from '../../agent/src/jobs/restore/restore-journals.js';
import { runRestore } from '../../agent/src/jobs/restore/run-restore.js';
import { silentLog } from '../../agent/src/log.js';
import { UnsettledJobs } from '../../agent/src/session/unsettled-jobs.js';
import { openFileContent } from '../../agent/src/workloads/files/file-content.js';
import { FolderSet } from '../../agent/src/workloads/files/folder-set.js';
import { walkFiles } from '../../agent/src/workloads/files/walk.js';
import { Life } from './life.js';
import type { AgentLine } from './simulated-control.js';

const RECONNECT_MS = 1_000;

/** What control is asked over the agent's control stream. */
export interface ControlLine {
  /** Resolves to what the agent has to stop. */
  hello(running: readonly JobRef[]): Promise<readonly JobRef[]>;
  finished(message: JobFinished): Promise<void>;
  /** Resolves when the control process that answered is gone. */
  ended(): Promise<void>;
}

export interface AgentPorts {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly agentId: string;
  /** The state folder. */
  readonly folder: string;
  readonly transport: (life: Life) => DataTransport;
  readonly control: (life: Life) => ControlLine;
  /** A file's content is opened. */
  readonly opened: (job: JobRef, process: Life, name: string) => void;
}

/** One agent process: the real job host, backups and restores, with its state in a folder of its own. */
export class SimulatedAgent implements AgentLine {
  readonly life = new Life('agent');
  readonly transport: DataTransport;
  private readonly jobs: JobHost;
  private readonly control: ControlLine;
  private unsettled: UnsettledJobs | undefined;
  private connected = false;

  constructor(private readonly ports: AgentPorts) {
    const { life } = this;
    const clock = life.clock(ports.clock);
    this.transport = ports.transport(life);
    this.control = ports.control(life);
    const never = { never: [], now: () => ports.clock.now() };
    this.jobs = new JobHost({
      runners: {
        backup: (command, run) =>
          runBackup(command, run, {
            transport: this.transport,
            workload: {
              check: (source) => checkSource(source, never),
              walk: (source, signal, known) => walkFiles(source, { ...never, signal, known }),
            },
            lanes: {
              start: inlineLanes({
                open: (ref) => {
                  life.check();
                  ports.opened(command.job, life, ref.name.toString());
                  return openFileContent(ref, never.now);
                },
                random: ports.random,
              }),
              most: 1,
            },
            clock,
            random: ports.random,
            agentId: ports.agentId,
            cacheFolder: join(ports.folder, 'cache'),
            paranoid: false,
          }),
        restore: (command, run) =>
          runRestore(command, run, {
            transport: this.transport,
            restoreRoots: async () => undefined,
            ownFolders: () => new FolderSet([], []),
            journals: new RestoreJournals(join(ports.folder, 'restores')),
          }),
      },
      reports: {
        accepted: () => undefined,
        progress: () => undefined,
        finished: async (finished) => {
          const added = this.unsettled?.add(finished);
          await added?.keep();
          if (!life.alive) return;
          reached('agent.outcome-kept');
          if (added !== undefined) await this.tell(added.message);
        },
      },
      timers: clock,
      log: silentLog,
    });
    life.onEnd(() => void this.jobs.stop());
  }

  /** Connects, and connects again, as long as the process lives. */
  async run(): Promise<void> {
    const { life, ports } = this;
    const outcomes = join(ports.folder, 'outcomes');
    mkdirSync(outcomes, { recursive: true });
    this.unsettled = await UnsettledJobs.open(outcomes);
    const clock = life.clock(ports.clock);
    while (life.alive) {
      try {
        // What control says over the new stream may come before the answer to what was said over it first.
        this.connected = true;
        const fenced = await this.control.hello([...this.jobs.running(), ...this.unsettled.refs()]);
        for (const job of fenced) {
          this.jobs.fence(job);
          await this.unsettled.forget(job);
        }
        for (const message of this.unsettled.all()) await this.tell(message);
        await this.control.ended();
      } catch {
        // Control is not there: again in a moment.
      }
      this.connected = false;
      if (life.alive) await clock.sleep(RECONNECT_MS).catch(() => undefined);
    }
  }

  start(command: BackupCommand): void {
    this.life.live(() => this.jobs.start(command));
  }

  settled(job: JobRef): void {
    void this.life.live(() => this.unsettled?.forget(job));
  }

  get isConnected(): boolean {
    return this.connected && this.life.alive;
  }

  /** The process is gone; what it left comes to lie in another folder. */
  kill(folder: string): void {
    cpSync(this.ports.folder, folder, { recursive: true });
    this.life.end();
  }

  /** Once nothing of the killed process is at work any more. */
  async removeRemains(): Promise<void> {
    await this.jobs.stop();
    rmSync(this.ports.folder, { recursive: true, force: true });
  }

  private async tell(message: JobFinished): Promise<void> {
    try {
      await this.control.finished(message);
    } catch {
      // Told again after the next hello.
    }
  }
}
