import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { controlService, enrollmentService } from './features/agents/grpc/agent-services.js';
import type { LinkRegistry } from './features/agents/link-registry.js';
import { recordIncident } from './features/agents/use-cases/record-incident.js';
import type { CoordinationUseCases } from './features/jobs/coordination.js';
import { coordinationService } from './features/jobs/grpc/coordination-service.js';
import type { ContextFor } from './platform/context.js';
import {
  CERTIFICATE_DOOR,
  CERTIFICATE_RESETS,
  CONTROL_CALLS,
  CONTROL_MESSAGE_BYTES,
  ENROLLMENT_CALLS,
  ENROLLMENT_DOOR,
  ENROLLMENT_RESETS,
} from './platform/grpc/connection-limits.js';
import { createGrpcServer } from './platform/grpc/grpc-server.js';
import { IncidentRelay } from './platform/incidents/incident-relay.js';
import { orBindFailure } from './platform/listen-address.js';
import type { RotatingIdentity } from './platform/pki/rotating-identity.js';
import type { Log } from './platform/telemetry/log.js';

export interface ControlListenerOptions {
  /** Control's server certificate. */
  readonly identity: RotatingIdentity;
  readonly contextFor: ContextFor;
  readonly links: LinkRegistry;
  readonly useCases: CoordinationUseCases;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export interface ControlListeners {
  /** Binds both; answers the host:port that were really bound. */
  listen(at: {
    readonly control: HostPort;
    readonly enrollment: HostPort;
  }): Promise<{ readonly control: string; readonly enrollment: string }>;
  /** Agents are told to come back later; calls under way may end. */
  close(graceMs: number): Promise<void>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Control's two gRPC doors: one for agents and gateways with certificates, one for hosts that have none yet. */
export function createControlListeners(options: ControlListenerOptions): ControlListeners {
  const { identity, contextFor, links, clock, timers, log } = options;
  const incidents = new IncidentRelay({
    timers,
    log,
    deliver: (incident) => recordIncident(contextFor({ kind: 'system', task: 'incidents' }), incident),
  });
  const control = createGrpcServer({
    identity,
    clientCertificates: true,
    services: [
      controlService(contextFor, log, { links, timers, incidents }),
      coordinationService(contextFor, log, options.useCases, incidents),
    ],
    limits: {
      maxMessageBytes: CONTROL_MESSAGE_BYTES,
      maxConcurrentCalls: 32,
      resets: CERTIFICATE_RESETS,
      connections: CERTIFICATE_DOOR,
      calls: CONTROL_CALLS,
    },
    clock,
    timers,
    log,
  });
  const enrollment = createGrpcServer({
    identity,
    clientCertificates: false,
    services: [enrollmentService(contextFor, log)],
    limits: {
      maxMessageBytes: 16 * 1024,
      maxConcurrentCalls: 4,
      resets: ENROLLMENT_RESETS,
      maxIdleMs: 60_000,
      connections: ENROLLMENT_DOOR,
      calls: ENROLLMENT_CALLS,
    },
    clock,
    timers,
    log,
  });

  return {
    async listen(at) {
      return {
        control: await orBindFailure('--grpc', at.control, control.listen(at.control.host, at.control.port)),
        enrollment: await orBindFailure(
          '--enroll-grpc',
          at.enrollment,
          enrollment.listen(at.enrollment.host, at.enrollment.port),
        ),
      };
    },
    async close(graceMs) {
      incidents.stop();
      links.endAll(
        new HoldfastError({ kind: 'Unavailable', code: 'SERVER_STOPPING', message: 'The server is stopping.' }),
      );
      await Promise.all([control.close(graceMs), enrollment.close(graceMs)]);
    },
  };
}
