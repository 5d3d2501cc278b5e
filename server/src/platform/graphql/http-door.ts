import { existsSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import { expressMiddleware } from '@as-integrations/express5';
import type { Timers } from '@holdfast/core/clock';
import { isHoldfastError } from '@holdfast/core/errors';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { GraphQLSchema } from 'graphql';
import type { Principal } from '../../features/access/domain/principal.js';
import { authenticate } from '../../features/access/use-cases/authenticate.js';
import { addressGroup } from '../address-group.js';
import { formatSessionCookie, readBearer, readSessionCookie } from '../http/cookies.js';
import { securityHeaders } from '../http/security-headers.js';
import { serveWebClient } from '../http/web-client.js';
import { Pace, type PaceLimits, tooFast } from '../pace.js';
import type { Turns } from '../turns.js';
import { formatError } from './format-error.js';
import type { GraphqlContext } from './graphql-context.js';
import { checkOperation, LIMITS, limitRules } from './limits.js';
import { mostTimeOf } from './operation-turns.js';
import { type BaseContext, callerContext, graphqlContext } from './request-context.js';

/** Of one network, in which many may sign in when the day begins. */
const STRANGERS: PaceLimits = { burst: 300, perSecond: 10 };

const REFUSED_AFTER_MS = 1_000;
/** Of a body that is refused the rest is read, so that its sender reads the answer, unless it is larger than this. */
const READ_ON_BYTES = 256 * 1024;

export interface HttpDoorSettings {
  readonly schema: GraphQLSchema;
  readonly base: BaseContext;
  readonly turns: Turns;
  readonly timers: Timers;
  /** Browsers reach the door by HTTPS, here or at the proxy in front. */
  readonly secure: boolean;
  readonly behindProxy: boolean;
  readonly introspection: boolean;
  /** Folder of the built Backup Center. */
  readonly webClient: string;
  /** What `/readyz` asks. */
  readonly readiness: () => Promise<Readiness>;
}

/** Names of components: without what is `missing` nothing can be done here, and of what is `degraded` a part does not work. */
export interface Readiness {
  readonly missing: readonly string[];
  readonly degraded: readonly string[];
}

export interface HttpDoor {
  readonly app: Express;
  stop(): Promise<void>;
}

/** GraphQL, Backup Center and health over an HTTP server that the caller listens with. */
export async function createHttpDoor(settings: HttpDoorSettings): Promise<HttpDoor> {
  const { schema, base, introspection } = settings;
  const costs = new WeakMap<object, number>();
  const apollo = new ApolloServer<GraphqlContext>({
    schema,
    introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (message) => base.log.warn({ message }, 'graphql.warning'),
      error: (message) => base.log.error({ message }, 'graphql.error'),
    },
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: limitRules(introspection),
    // They would tell piece by piece what introspection does not.
    validationOptions: { hideSuggestions: !introspection },
    formatError: (given, error) => formatError(error, base.log, given),
    plugins: [
      introspection
        ? ApolloServerPluginLandingPageLocalDefault({ embed: false })
        : ApolloServerPluginLandingPageDisabled(),
      {
        requestDidStart: async () => ({
          didResolveOperation: async ({ contextValue, document, request: { operationName, variables } }) => {
            const cost = checkOperation(schema, { document, operationName, variables }, introspection);
            costs.set(contextValue.session, cost);
          },
        }),
      },
    ],
  });
  await apollo.start();
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', settings.behindProxy ? 1 : false);
  app.get('/livez', (_, response) => void response.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_, response) => {
    const { missing, degraded } = await settings.readiness();
    const ready = missing.length === 0;
    response.status(ready ? 200 : 503).json({ ready, missing, degraded });
  });
  app.use(securityHeaders(settings));
  app.use(
    '/graphql',
    (_, response, next) => {
      response.setHeader('Cache-Control', 'no-store');
      next();
    },
    identify(settings),
    limitStrangers(settings),
    readBody(),
    inTurn(
      settings,
      expressMiddleware(apollo, {
        context: async ({ req, res }) => {
          const context = await requestContext(settings, req, res);
          res.locals.session = context.session;
          return context;
        },
      }),
      costs,
    ),
  );
  if (existsSync(settings.webClient)) app.use(serveWebClient(settings.webClient));
  app.use(answerErrors(settings));
  return { app, stop: () => apollo.stop() };
}

/** Notes who asks, as far as limits go. */
function identify(settings: HttpDoorSettings): RequestHandler {
  return async (request, response, next) => {
    const ctx = callerContext(settings.base, { kind: 'anonymous' }, request.ip);
    const { principal } = await authenticate(ctx, tokenOf(settings, request), { prolong: false });
    response.locals.asker = principal;
    next();
  };
}

/** What somebody unknown may ask: each network has a pace of its own. */
function limitStrangers({ base }: HttpDoorSettings): RequestHandler {
  const pace = new Pace(STRANGERS, base.clock);
  return (request, response, next) => {
    const network = addressGroup(request.ip ?? '');
    if (askerOf(response).kind !== 'anonymous' || pace.allows(network)) return next();
    next(tooFast(pace.roomInMs(network)));
  };
}

function readBody(): RequestHandler {
  const known = express.json({ limit: LIMITS.bodyBytes });
  const unknown = express.json({ limit: LIMITS.strangerBodyBytes });
  return (request, response, next) => {
    if (askerOf(response).kind !== 'anonymous') return known(request, response, next);
    if (Number(request.headers['content-length'] ?? 0) <= READ_ON_BYTES) return unknown(request, response, next);
    response.setHeader('Connection', 'close');
    next({ status: 413 });
  };
}

/** Also what goes on for a caller who has left keeps its place until it ends. */
function inTurn({ turns }: HttpDoorSettings, answer: RequestHandler, costs: WeakMap<object, number>): RequestHandler {
  return async (request, response, next) => {
    const asker = askerOf(response);
    const end = asker.kind === 'user' ? await turns.enter(asker.userId) : () => undefined;
    try {
      if (!response.closed) await answer(request, response, next);
    } finally {
      end(mostTimeOf(costs.get(response.locals.session as object) ?? LIMITS.tokens));
    }
  };
}

function askerOf({ locals }: Response): Principal {
  return locals.asker as Principal;
}

async function requestContext(
  settings: HttpDoorSettings,
  request: Request,
  response: Response,
): Promise<GraphqlContext> {
  const { base, secure } = settings;
  // Asked anew: the body and the turn may have taken long to come.
  const who = await authenticate(callerContext(base, askerOf(response), request.ip), tokenOf(settings, request));
  return graphqlContext(base, who, request.ip, {
    setToken: (fresh, endsAt) =>
      response.append('Set-Cookie', formatSessionCookie(secure, fresh, endsAt - base.clock.now())),
    clearToken: () => response.append('Set-Cookie', formatSessionCookie(secure, '', 0)),
  });
}

/** A token that is sent on purpose counts more than the cookie that a browser adds by itself. */
function tokenOf({ secure }: HttpDoorSettings, { headers }: Request): string | undefined {
  return headers.authorization === undefined
    ? readSessionCookie(secure, headers.cookie)
    : readBearer(headers.authorization);
}

/** What express and its body parser refuse, in the same form as every other refusal. */
function answerErrors({ base, timers }: HttpDoorSettings): ErrorRequestHandler {
  return (error: { status?: number; type?: string }, request, response, next) => {
    if (response.headersSent) return next(error);
    if (isHoldfastError(error) && error.kind === 'RateLimited') {
      request.body = undefined;
      // Whoever asks again at once would make refusing alone the work of this thread.
      return void timers.after(REFUSED_AFTER_MS, () =>
        response.status(429).json({ errors: [formatError(error, base.log)] }),
      );
    }
    const status = error.status !== undefined && error.status >= 400 && error.status < 500 ? error.status : 500;
    if (status === 500) base.log.error({ err: error }, 'http.defect');
    const code = status === 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT';
    const reason = status === 413 ? 'BODY_TOO_LARGE' : status === 500 ? 'INTERNAL' : 'BAD_REQUEST';
    response.status(status).json({
      errors: [
        {
          message:
            status === 413
              ? `A request has at most ${LIMITS.bodyBytes} bytes, and ${LIMITS.strangerBodyBytes} before one has signed in.`
              : 'The request cannot be read.',
          extensions: { code, reason },
        },
      ],
    });
  };
}
