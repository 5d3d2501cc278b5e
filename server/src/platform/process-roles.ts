import type { Clock, Timers } from '@holdfast/core/clock';
import type { Random } from '@holdfast/core/ids';
import type { GatewayCredentials } from './process-channel.js';
import type { Log } from './telemetry/log.js';

export interface ListenAddress {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** What a process may reach for outside itself; real in main.ts, chosen by tests elsewhere. */
export interface ProcessPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** What the gateway process is told at start. */
export interface GatewaySettings {
  /** `<data>/gateway`, made by the gateway with mode 0700. */
  readonly dataDirectory: string;
  readonly listen: ListenAddress;
  /** Absolute, real paths: a vault store outside all of them is refused. */
  readonly storeRoots: readonly string[];
  readonly credentials: GatewayCredentials;
  /** Calls the listener with each renewal. */
  onCredentials(listener: (credentials: GatewayCredentials) => void): void;
}

export interface RunningGateway {
  /** What was really bound. */
  readonly address: ListenAddress;
  /** Takes no new calls, lets those under way end for at most a few seconds, closes its files. */
  stop(): Promise<void>;
}

export type StartGateway = (settings: GatewaySettings, ports: ProcessPorts) => Promise<RunningGateway>;

export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
