/**
 * What the supervisor and its two children say to each other over their IPC channel. Nothing of it is
 * ever written to disk or to a log: it carries a private key.
 */

/** Control → gateway, at start and again before the certificate ends; the gateway takes the new one for new connections. */
export interface GatewayCredentials {
  readonly type: 'gateway-credentials';
  /** UUID of the gateway, as in its certificate's URI name. */
  readonly gatewayId: string;
  /** PEM: the gateway's certificate first. */
  readonly certificateChain: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM: the one CA that both sides trust. */
  readonly ca: string;
  /** host:port of control's CoordinationService. */
  readonly coordinationAddress: string;
  /** The name that control's certificate is checked against. */
  readonly coordinationServerName: string;
}

/** Gateway → control: the data listener is bound and serves. */
export interface GatewayReady {
  readonly type: 'gateway-ready';
  readonly gatewayId: string;
  /** host:port that was really bound. */
  readonly dataAddress: string;
}

/** Control → supervisor: every listener of control is bound and serves. */
export interface ControlReady {
  readonly type: 'control-ready';
  /** URL, e.g. `http://127.0.0.1:8400`. */
  readonly http: string;
  readonly grpc: string;
  readonly enrollGrpc: string;
}

/** Supervisor → child: finish what is under way, then exit with 0. A child does the same when the channel closes. */
export interface Shutdown {
  readonly type: 'shutdown';
}

/** Child → supervisor: it cannot start, and a restart would not help (a port in use, a folder not writable). */
export interface StartFailed {
  readonly type: 'start-failed';
  readonly message: string;
}

export type ProcessMessage = GatewayCredentials | GatewayReady | ControlReady | Shutdown | StartFailed;
