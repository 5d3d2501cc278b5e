import type { Clock, Timers } from '@holdfast/core/clock';
import type { ControlReady, GatewayCredentials, GatewayReady, ProcessMessage } from '../process-channel.js';
import type { Log } from '../telemetry/log.js';

export type ChildRole = 'control' | 'gateway';

/** One running child process. */
export interface ChildHandle {
  send(message: ProcessMessage): void;
  onMessage(listener: (message: ProcessMessage) => void): void;
  /** Once, however it ended. */
  onExit(listener: (how: string) => void): void;
  kill(): void;
}

export interface SupervisorPorts {
  /** Starts a child; `bound` are the addresses that an earlier one of the same role had, so that a restart keeps them. */
  readonly fork: (role: ChildRole, bound: BoundAddresses) => ChildHandle;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Both serve for the first time. */
  readonly onReady: (control: ControlReady, gateway: GatewayReady) => void;
  /** For the person at the console. */
  readonly tell: (message: string) => void;
}

export interface BoundAddresses {
  readonly http?: string;
  readonly grpc?: string;
  readonly enrollGrpc?: string;
  readonly dataGrpc?: string;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const CRASH_WINDOW_MS = 60_000;
const MAX_CRASHES = 5;
const SHUTDOWN_MS = 20_000;

/**
 * Keeps control and gateway running, and ends them together. Control comes first; the gateway starts when
 * control has issued its certificate, and is given it again after a crash. Five crashes in a minute, or a child that says
 * that it cannot start, end the whole.
 */
export class Supervisor {
  private readonly children = new Map<ChildRole, ChildHandle>();
  private readonly restarts = new Map<ChildRole, () => void>();
  private crashes: number[] = [];
  private credentials: GatewayCredentials | undefined;
  private controlReady: ControlReady | undefined;
  private gatewayReady: GatewayReady | undefined;
  private announced = false;
  private stopping = false;
  private cancelKill = (): void => undefined;
  private readonly ended: Promise<number>;
  private end!: (exitCode: number) => void;
  private exitCode = 0;

  constructor(private readonly ports: SupervisorPorts) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** Resolves to the exit code when both have ended. */
  run(): Promise<number> {
    this.start('control');
    return this.ended;
  }

  /** Both finish what is under way; whoever does not within 20 seconds is killed. */
  stop(exitCode = 0): void {
    if (this.stopping) return;
    this.stopping = true;
    this.exitCode = exitCode;
    for (const cancel of this.restarts.values()) cancel();
    if (this.children.size === 0) {
      this.end(exitCode);
      return;
    }
    for (const child of this.children.values()) child.send({ type: 'shutdown' });
    this.cancelKill = this.ports.timers.after(SHUTDOWN_MS, () => {
      this.ports.log.warn({ roles: [...this.children.keys()] }, 'supervisor.killed');
      for (const child of this.children.values()) child.kill();
    });
  }

  private start(role: ChildRole): void {
    this.restarts.delete(role);
    const child = this.ports.fork(role, this.bound());
    this.children.set(role, child);
    child.onMessage((message) => this.receive(role, child, message));
    child.onExit((how) => this.exited(role, how));
    if (role === 'gateway' && this.credentials !== undefined) child.send(this.credentials);
    if (role === 'control' && this.gatewayReady !== undefined && this.children.has('gateway'))
      child.send(this.gatewayReady);
  }

  private receive(role: ChildRole, child: ChildHandle, message: ProcessMessage): void {
    switch (message.type) {
      case 'gateway-credentials': {
        if (role !== 'control') return;
        this.credentials = message;
        const gateway = this.children.get('gateway');
        if (gateway !== undefined) gateway.send(message);
        else if (!this.restarts.has('gateway') && !this.stopping) this.start('gateway');
        return;
      }
      case 'gateway-ready':
        if (role !== 'gateway') return;
        this.gatewayReady = message;
        this.children.get('control')?.send(message);
        this.announce();
        return;
      case 'control-ready':
        if (role !== 'control') return;
        this.controlReady = message;
        this.announce();
        return;
      case 'start-failed':
        this.ports.tell(message.message);
        child.kill();
        this.stop(1);
        return;
      case 'shutdown':
        return;
    }
  }

  private announce(): void {
    if (this.announced || this.controlReady === undefined || this.gatewayReady === undefined) return;
    this.announced = true;
    this.ports.onReady(this.controlReady, this.gatewayReady);
  }

  private exited(role: ChildRole, how: string): void {
    this.children.delete(role);
    if (this.stopping) {
      if (this.children.size > 0) return;
      this.cancelKill();
      this.end(this.exitCode);
      return;
    }
    const now = this.ports.clock.monotonic();
    this.crashes = [...this.crashes.filter((at) => at > now - CRASH_WINDOW_MS), now];
    this.ports.log.error({ role, how, crashes: this.crashes.length }, 'supervisor.child-ended');
    if (this.crashes.length >= MAX_CRASHES) {
      this.ports.tell(
        `The ${role} process ended ${MAX_CRASHES} times within a minute (last: ${how}); giving up. The log above says why.`,
      );
      this.stop(1);
      return;
    }
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.crashes.length - 1), LONGEST_PAUSE_MS);
    this.restarts.set(
      role,
      this.ports.timers.after(pause, () => this.start(role)),
    );
  }

  private bound(): BoundAddresses {
    return {
      ...(this.controlReady === undefined
        ? {}
        : {
            http: this.controlReady.http.replace(/^https?:\/\//, ''),
            grpc: this.controlReady.grpc,
            enrollGrpc: this.controlReady.enrollGrpc,
          }),
      ...(this.gatewayReady === undefined ? {} : { dataGrpc: this.gatewayReady.dataAddress }),
    };
  }
}
