import type { IncomingMessage, Server } from 'node:http';
import type { Timers } from '@holdfast/core/clock';
import {
  type ExecutionArgs,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { Principal } from '../../features/access/domain/principal.js';
import { type Authenticated, authenticate } from '../../features/access/use-cases/authenticate.js';
import { CountedKeys } from '../counted-keys.js';
import { readSessionCookie } from '../http/cookies.js';
import { Pace, type PaceLimits } from '../pace.js';
import { CountedLog } from '../telemetry/counted-log.js';
import type { Turns } from '../turns.js';
import { formatError } from './format-error.js';
import { checkOperation, LIMITS, limitRules } from './limits.js';
import { LiveSocket } from './live-socket.js';
import { Loaders } from './loaders.js';
import { mostTimeOf } from './operation-turns.js';
import { type BaseContext, callerContext, graphqlContext } from './request-context.js';
import { subscribeInTurns, type TakenArgs } from './subscribe-in-turns.js';

const RECHECK_MS = 30_000;
const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_OPERATIONS = 50;
/** Of one user, who may have a page open in many places. */
const MAX_CONNECTIONS = 64;
/** Of one user: pages subscribe to many things at once, and say little afterwards. */
const MESSAGES: PaceLimits = { burst: 2_000, perSecond: 50 };
const ENDED = 4403;
const GOING_AWAY = 1001;

export interface LiveDoorSettings {
  readonly schema: GraphQLSchema;
  readonly base: BaseContext;
  readonly turns: Turns;
  readonly secure: boolean;
  readonly behindProxy: boolean;
  readonly introspection: boolean;
  readonly timers: Timers;
}

export interface LiveDoor {
  stop(): Promise<void>;
}

interface Connection {
  readonly socket: LiveSocket;
  readonly request: IncomingMessage;
  token?: string;
  userId?: string;
  /** As of when it connected. */
  principal: Principal;
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). Who connects is decided by `connectionParams.authorization` (`Bearer …`)
 * or, for pages of this server's own origin only, by the cookie; the connection is closed when that session or token ends,
 * and every operation asks again whether it has. An operation counts until it ends, whether or not anybody still waits for it.
 */
export function openLiveDoor(server: Server, settings: LiveDoorSettings): LiveDoor {
  const { schema, base, turns } = settings;
  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: MAX_MESSAGE_BYTES, handleProtocols });
  const rules = [...specifiedRules, ...limitRules(settings.introspection)];
  const watching = new Map<LiveSocket, () => void>();
  const connections = new CountedKeys();
  const messages = new Pace(MESSAGES, base.clock);
  const refusals = new CountedLog(base.clock, (fields) => base.log.warn(fields, 'live.connection-refused'));
  const failed = (error: unknown): void => base.log.error({ err: error }, 'live.defect');

  const options: ServerOptions<Record<string, unknown>, Connection> = {
    schema,
    execute: async (args) => {
      const { endTurn, mostMs } = args as unknown as TakenArgs;
      try {
        return await execute(args);
      } finally {
        endTurn(mostMs);
      }
    },
    subscribe: (args) => subscribeInTurns(turns, args as unknown as TakenArgs),
    connectionInitWaitTimeout: 10_000,
    async onConnect({ extra: connection, connectionParams }) {
      const token = tokenOf(settings, connection.request, connectionParams);
      const ctx = callerContext(base, connection.principal, addressOf(settings, connection.request));
      const who = await authenticate(ctx, token, { prolong: false });
      if (who.principal.kind !== 'user' || token === undefined || !connection.socket.isOpen) return false;
      // The same answer as to somebody unknown: clients that are not let in do not try again at once.
      const { userId } = who.principal;
      if (!connections.add(userId, MAX_CONNECTIONS)) return false;
      Object.assign(connection, { token, userId, principal: who.principal });
      watching.set(connection.socket, watch(settings, connection.socket, token, who));
      connection.socket.admit(() => messages.allows(userId));
      return true;
    },
    onClose({ extra: { socket, userId } }) {
      if (userId !== undefined) connections.remove(userId);
      watching.get(socket)?.();
      watching.delete(socket);
    },
    async onSubscribe(ctx, id, payload) {
      const { socket, request, token, userId = '', principal } = ctx.extra;
      const address = addressOf(settings, request);
      if (Object.keys(ctx.subscriptions).length > MAX_OPERATIONS)
        return [new GraphQLError(`A connection has at most ${MAX_OPERATIONS} operations at once.`)];
      const endTurn = await turns.enter(userId).catch(asGraphqlError);
      if (endTurn instanceof GraphQLError) return [endTurn];
      try {
        if (!(id in ctx.subscriptions)) throw new GraphQLError('This was ended before it began.');
        // It may have ended in another process, which tells this one nothing.
        const who = await authenticate(callerContext(base, principal, address), token, { prolong: false });
        if (who.principal.kind === 'anonymous') socket.close(ENDED, 'session ended');
        const context = graphqlContext(base, who, address, {
          // Over a WebSocket there is no cookie to set: the payload's token is for clients like this one.
          setToken: () => undefined,
          clearToken: () => undefined,
        });
        const contextValue = { ...context, loaders: new Loaders(context.unitOfWork, false) };
        const prepared = prepare(settings, rules, payload);
        if (!Array.isArray(prepared)) return { ...prepared, contextValue, userId, endTurn };
        endTurn();
        return prepared;
      } catch (error) {
        endTurn();
        return [asGraphqlError(error)];
      }
    },
    onNext: (_ctx, _id, _payload, _args, result) =>
      result.errors === undefined
        ? result
        : { ...result, errors: result.errors.map((each) => formatError(each, base.log)) },
    onError: (_ctx, _id, _payload, errors) => errors.map((each) => formatError(each, base.log)),
  };
  const door = makeServer(options);
  sockets.on('connection', (socket, request) => {
    const live = new LiveSocket(socket, {
      timers: settings.timers,
      stream: request.socket,
      refused: (reason) => refusals.add({ reason, address: addressOf(settings, request) }),
      failed,
    });
    const closed = door.opened(live, { socket: live, request, principal: { kind: 'anonymous' } });
    socket.once('close', (code, reason) => void closed(code, String(reason)).catch(failed));
  });
  return {
    async stop() {
      for (const end of watching.values()) end();
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away');
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
    },
  };
}

function prepare(
  { schema, introspection }: LiveDoorSettings,
  rules: (typeof specifiedRules)[number][],
  payload: SubscribePayload,
): Pick<TakenArgs, 'mostMs' | keyof ExecutionArgs> | GraphQLError[] {
  const document = parse(payload.query, { maxTokens: LIMITS.tokens });
  const errors = validate(schema, document, rules, { hideSuggestions: !introspection });
  if (errors.length > 0) return [...errors];
  const operationName = payload.operationName ?? undefined;
  const variables = payload.variables ?? undefined;
  if (!getOperationAST(document, operationName)) return [new GraphQLError('The document has no such operation.')];
  const cost = checkOperation(schema, { document, operationName, variables }, introspection);
  return { schema, document, operationName, variableValues: variables, mostMs: mostTimeOf(cost) };
}

function asGraphqlError(error: unknown): GraphQLError {
  return error instanceof GraphQLError ? error : new GraphQLError('refused', { originalError: error as Error });
}

/** Closes the socket once its session or token has ended, here (at once) or in another process (within half a minute). */
function watch(settings: LiveDoorSettings, socket: LiveSocket, token: string, who: Authenticated): () => void {
  const { base, timers } = settings;
  const end = (): void => socket.close(ENDED, 'session ended');
  const { principal } = who;
  const ctx = callerContext(base, principal, undefined);
  const id = principal.kind === 'user' ? (principal.sessionId ?? principal.tokenId ?? '') : '';
  const forget = base.services.access.sessionEnds.onEnd(id, end);
  let stopped = false;
  let cancel = schedule();
  function schedule(): () => void {
    return timers.after(RECHECK_MS, () => {
      authenticate(ctx, token, { prolong: false })
        .then((now) => (now.principal.kind === 'anonymous' ? end() : undefined))
        .catch((error: unknown) => base.log.warn({ err: error }, 'live.recheck-failed'))
        .finally(() => {
          if (!stopped) cancel = schedule();
        });
    });
  }
  return () => {
    stopped = true;
    cancel();
    forget();
  };
}

function tokenOf(
  settings: LiveDoorSettings,
  request: IncomingMessage,
  params: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const given = params?.authorization;
  if (typeof given === 'string') return /^Bearer (\S{1,200})$/i.exec(given)?.[1];
  // A browser sends the cookie along for any page; only pages of this very origin may use it.
  return isOwnOrigin(settings, request) ? readSessionCookie(settings.secure, request.headers.cookie) : undefined;
}

function isOwnOrigin(settings: LiveDoorSettings, request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false;
  const forwarded = settings.behindProxy ? request.headers['x-forwarded-host'] : undefined;
  return new URL(origin).host === (typeof forwarded === 'string' ? forwarded : host);
}

function addressOf(settings: LiveDoorSettings, request: IncomingMessage): string | undefined {
  const forwarded = settings.behindProxy ? request.headers['x-forwarded-for'] : undefined;
  const last = typeof forwarded === 'string' ? forwarded.split(',').at(-1)?.trim() : undefined;
  return last ?? request.socket.remoteAddress;
}
