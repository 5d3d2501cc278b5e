import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createIdSource, uuidFromBytes } from '@holdfast/core/ids';
import { needsTls, type ServerConfig, webAddress } from './config.js';
import { wireFeatures } from './control-features.js';
import { createControlListeners } from './control-listeners.js';
import type { SetupServices } from './features/setup/ports.js';
import { noSetupCode, offerSetupCode } from './features/setup/setup-code.js';
import { whatIsDegraded } from './features/vaults/use-cases/what-is-degraded.js';
import { createGatewayLink, reachableFromHere } from './gateway-link.js';
import { isWildcard } from './platform/advertised-address.js';
import type { ContextFor, UnitOfWork } from './platform/context.js';
import { prepareDataDirectory, prepareStoreRoots } from './platform/data-directory.js';
import { buildStores } from './platform/db/build-stores.js';
import { dialectOf, type Orm, openDatabase } from './platform/db/database.js';
import { migrate } from './platform/db/migrate.js';
import { createUnitsOfWork } from './platform/db/unit-of-work.js';
import { buildHoldfastSchema } from './platform/graphql/build-schema.js';
import { createHttpDoor, type Readiness } from './platform/graphql/http-door.js';
import { openLiveDoor } from './platform/graphql/live-door.js';
import { createOperationTurns } from './platform/graphql/operation-turns.js';
import { closeHttp, createHttpGate, listenHttp, type Protection } from './platform/http/listen.js';
import { createPayloadSeal } from './platform/idempotency/payload-seal.js';
import { readMasterKey } from './platform/master-key.js';
import { openAuthority, publishCertificate } from './platform/pki/authority-file.js';
import { rotateIdentity } from './platform/pki/rotating-identity.js';
import type { ListenAddress, ProcessPorts } from './platform/process-roles.js';
import type { ParentChannel } from './platform/processes/parent-channel.js';

const WEB_CLIENT = fileURLToPath(new URL('../../web-client/dist', import.meta.url));
const DRAIN_MS = 5_000;

export interface RunningControl {
  stop(): Promise<void>;
}

/** The control process: catalog, keys, doors and tasks, put together by hand. Whatever was started stops in reverse order. */
export async function startControl(
  config: ServerConfig,
  ports: ProcessPorts,
  channel: ParentChannel,
): Promise<RunningControl> {
  const { clock, timers, random, log } = ports;
  const cleanups: (() => void | Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const clean of cleanups.splice(0).toReversed()) await clean();
  };
  try {
    await prepareDataDirectory(config.dataDirectory);
    const roots = await prepareStoreRoots(config.storeRoots);
    const orm = await openDatabase(config.database);
    cleanups.push(() => closeDatabase(orm));
    await migrate(orm);
    const newId = createIdSource({ clock, random });
    const unitsOfWork = createUnitsOfWork({
      orm,
      buildStores: (em) => buildStores(em, { clock, newId }),
      clock,
      timers,
      random,
      log,
    });
    cleanups.push(() => unitsOfWork.close());
    const unitOfWork = unitsOfWork.of({ kind: 'system', task: 'start' });

    const pki = join(config.dataDirectory, 'pki');
    const fresh = !existsSync(join(pki, 'ca.json')) && !(await unitOfWork.run((stores) => stores.users.any()));
    const masterKey = await readMasterKey(config.masterKeyFile, random, fresh);
    const authority = await openAuthority(pki, masterKey, { clock, random });
    await publishCertificate(join(config.dataDirectory, 'ca.pem'), authority.certificate);
    const hosts = certificateHosts(config);
    const controlIdentity = await rotateIdentity(
      authority,
      { hosts, identity: { role: 'control', id: uuidFromBytes(authority.fingerprint.subarray(0, 16)) } },
      ports,
    );
    cleanups.push(() => controlIdentity.stop());

    const gateway = createGatewayLink(controlIdentity, clock);
    cleanups.push(() => gateway.close());
    channel.onMessage((message) => {
      if (message.type === 'gateway-ready') gateway.servesAt(message.dataAddress);
    });

    const setup = await prepareSetup(config, roots[0] ?? '', unitOfWork, random);
    const features = await wireFeatures({
      config,
      ...ports,
      newId,
      masterKey,
      authority,
      roots,
      setup: setup.services,
      gateway,
    });
    const shared = { clock, random, newId, log, services: features.services };
    const contextFor: ContextFor = (principal, address) => ({
      ...shared,
      unitOfWork: unitsOfWork.of(principal, address),
      principal,
      ...(address === undefined ? {} : { address }),
    });

    const listeners = createControlListeners({
      ...ports,
      identity: controlIdentity,
      contextFor,
      links: features.links,
      useCases: features.coordination,
    });
    cleanups.push(() => listeners.close(DRAIN_MS));
    const bound = await listeners.listen({ control: config.grpc, enrollment: config.enrollGrpc });
    features.listensAt(bound);
    await features.start(contextFor);
    cleanups.push(() => features.stop());

    const secure = needsTls(config) || config.behindProxy;
    const schema = await buildHoldfastSchema({ clock, timers, seal: createPayloadSeal(masterKey, random) });
    // One vault out of service must not take a server that serves the others from its load balancer.
    const readiness = async (): Promise<Readiness> => {
      const missing = [
        ...((await isDatabaseUp(orm)) ? [] : ['database']),
        ...((await gateway.isReachable()) ? [] : ['gateway']),
      ];
      if (missing.length > 0) return { missing, degraded: [] };
      return { missing, degraded: await whatIsDegraded(contextFor({ kind: 'system', task: 'readiness' })) };
    };
    const base = { ...shared, unitsOfWork };
    const turns = createOperationTurns({ clock, timers });
    const http = await createHttpDoor({
      schema,
      base,
      turns,
      timers,
      secure,
      behindProxy: config.behindProxy,
      introspection: config.introspection,
      webClient: WEB_CLIENT,
      readiness,
    });
    const { server, url } = await listenHttp(
      http.app,
      config.http,
      await protectionOf(),
      createHttpGate(clock, config.behindProxy),
    );
    const live = openLiveDoor(server, {
      schema,
      base,
      turns,
      secure,
      behindProxy: config.behindProxy,
      introspection: config.introspection,
      timers,
    });
    cleanups.push(async () => {
      await live.stop();
      await closeHttp(server, DRAIN_MS);
      await http.stop();
    });

    const gatewayId = uuidFromBytes(authority.fingerprint.subarray(16, 32));
    const gatewayIdentity = await rotateIdentity(
      authority,
      { hosts, identity: { role: 'gateway', id: gatewayId } },
      ports,
    );
    cleanups.push(() => gatewayIdentity.stop());
    const sendCredentials = (): Promise<void> => {
      const { certificateChain, key } = gatewayIdentity.current();
      const coordinationAddress = reachableFromHere(bound.control);
      return channel.send({
        type: 'gateway-credentials',
        gatewayId,
        certificateChain,
        key,
        ca: authority.certificate,
        coordinationAddress,
        coordinationServerName: 'localhost',
      });
    };
    gatewayIdentity.onRenewed(() => void sendCredentials());
    await sendCredentials();
    await channel.send({ type: 'control-ready', http: url, grpc: bound.control, enrollGrpc: bound.enrollment });
    if (setup.code !== undefined) announceSetup(webAddress(config, url), setup.code);
    return { stop };

    async function protectionOf(): Promise<Protection> {
      if (config.tls !== undefined) return { kind: 'files', ...config.tls };
      if (!needsTls(config)) return { kind: 'plain' };
      const identity = await rotateIdentity(authority, { hosts }, ports);
      cleanups.push(() => identity.stop());
      return { kind: 'own', identity };
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Every name under which the listeners may be reached, so that a client can check whom it talks to. */
function certificateHosts(config: ServerConfig): string[] {
  const bound = [config.http, config.grpc, config.dataGrpc, config.enrollGrpc]
    .map((each: ListenAddress) => each.host)
    .filter((host) => !isWildcard(host));
  return [
    ...new Set([
      ...(config.publicAddress === undefined ? [] : [config.publicAddress]),
      ...Object.values(config.publicListeners).map(({ host }) => host),
      ...bound,
      hostname(),
      'localhost',
      '127.0.0.1',
      '::1',
    ]),
  ];
}

async function prepareSetup(
  config: ServerConfig,
  firstRoot: string,
  unitOfWork: UnitOfWork,
  random: ProcessPorts['random'],
): Promise<{ code?: string; services: SetupServices }> {
  const file = join(config.dataDirectory, 'setup-code');
  const storeUrl = `local:${firstRoot}`;
  if (!(await unitOfWork.run((stores) => stores.users.any()))) return offerSetupCode(file, random, storeUrl);
  await rm(file, { force: true });
  return { services: noSetupCode(storeUrl) };
}

function announceSetup(url: string, code: string): void {
  console.error(
    `\n  First run: open ${url} and enter the setup code  ${code}\n  (it also stands in the file setup-code of the data folder)\n`,
  );
}

async function isDatabaseUp(orm: Orm): Promise<boolean> {
  return (await orm.em.getConnection().checkConnection()).ok;
}

async function closeDatabase(orm: Orm): Promise<void> {
  if (dialectOf(orm.em) === 'sqlite') await orm.em.getConnection().execute('pragma wal_checkpoint(truncate)');
  await orm.close(true);
}
