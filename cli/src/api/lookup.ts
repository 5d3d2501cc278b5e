/** People name things; the API takes ids. */
import { HoldfastError } from '@holdfast/core/errors';
import { graphql } from '../gql/gql.js';
import type { ApiClient } from './client.js';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Everything of a connection, page by page. */
export async function collect<T>(
  page: (
    after: string | null,
  ) => Promise<{ edges: ReadonlyArray<{ node: T }>; pageInfo: { hasNextPage: boolean; endCursor?: string | null } }>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const nodes: T[] = [];
  let after: string | null = null;
  do {
    const connection = await page(after);
    nodes.push(...connection.edges.map((edge) => edge.node));
    after = connection.pageInfo.hasNextPage ? (connection.pageInfo.endCursor ?? null) : null;
  } while (after !== null && nodes.length < limit);
  return nodes.slice(0, limit);
}

function pick(kind: string, wanted: string, candidates: readonly Named[]): string {
  const exact = candidates.filter((candidate) => candidate.id === wanted || candidate.name === wanted);
  const [first, second] = exact;
  if (first === undefined) {
    const names = candidates.map((candidate) => candidate.name).slice(0, 10);
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_SUCH_NAME',
      message: `there is no ${kind} "${wanted}"${names.length > 0 ? `; there are: ${names.join(', ')}` : ''}`,
    });
  }
  if (second !== undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'AMBIGUOUS_NAME',
      message: `more than one ${kind} is called "${wanted}": use the id (${exact.map((candidate) => candidate.id).join(', ')})`,
    });
  }
  return first.id;
}

const SubscriptionNames = graphql(`
  query SubscriptionNames($after: String) {
    subscriptions(first: 200, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
  }
`);

/** The only subscription, or the one called `default`, when none is named. */
export async function findSubscription(api: ApiClient, wanted: string | undefined): Promise<string> {
  const all = await collect(async (after) => (await api.ask(SubscriptionNames, { after })).subscriptions);
  if (wanted !== undefined) return pick('subscription', wanted, all);
  return pick('subscription', all.length === 1 ? (all[0]?.id ?? '') : 'default', all);
}

const RegionNames = graphql(`
  query RegionNames($after: String) {
    regions(first: 200, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
  }
`);

export async function findRegion(api: ApiClient, wanted: string | undefined): Promise<string> {
  const all = await collect(async (after) => (await api.ask(RegionNames, { after })).regions);
  if (wanted !== undefined) return pick('region', wanted, all);
  return pick('region', all.length === 1 ? (all[0]?.id ?? '') : 'local', all);
}

const VaultNames = graphql(`
  query VaultNames($after: String) {
    vaults(first: 200, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
  }
`);

export async function findVault(api: ApiClient, wanted: string): Promise<string> {
  return pick('vault', wanted, await collect(async (after) => (await api.ask(VaultNames, { after })).vaults));
}

const PolicyNames = graphql(`
  query PolicyNames($after: String) {
    policies(first: 200, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
  }
`);

export async function findPolicy(api: ApiClient, wanted: string): Promise<string> {
  return pick('policy', wanted, await collect(async (after) => (await api.ask(PolicyNames, { after })).policies));
}

const AgentNames = graphql(`
  query AgentNames($after: String) {
    agents(first: 200, after: $after) { edges { node { id name status } } pageInfo { hasNextPage endCursor } }
  }
`);

export async function findAgent(api: ApiClient, wanted: string): Promise<string> {
  const all = await collect(async (after) => (await api.ask(AgentNames, { after })).agents);
  const serving = all.filter((agent) => agent.status !== 'REVOKED');
  const isCalled = ({ id, name }: Named): boolean => id === wanted || name === wanted;
  if (!serving.some(isCalled) && all.some(isCalled)) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'AGENT_REVOKED',
      message: `the agent "${wanted}" is revoked already`,
    });
  }
  return pick('agent', wanted, serving);
}

const ItemNames = graphql(`
  query ItemNames($after: String) {
    protectedItems(first: 200, after: $after) { edges { node { id name protectionState } } pageInfo { hasNextPage endCursor } }
  }
`);

/** A name that was given again means the item that is still backed up, not the one that was stopped. */
export async function findProtectedItem(api: ApiClient, wanted: string): Promise<string> {
  const all = await collect(async (after) => (await api.ask(ItemNames, { after })).protectedItems);
  const isLive = ({ name, protectionState }: (typeof all)[number]): boolean =>
    name === wanted && protectionState !== 'STOPPED';
  return pick(
    'protected item',
    wanted,
    all.some(isLive) ? all.filter((item) => isLive(item) || item.id === wanted) : all,
  );
}

const PointNumbers = graphql(`
  query PointNumbers($after: String, $first: Int!, $filter: RecoveryPointFilter) {
    recoveryPoints(first: $first, after: $after, filter: $filter) {
      edges { node { id sequence } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const NAMING_A_POINT = 'the point is ITEM for its newest, ITEM#NUMBER, or an id';

/** `web-1` is the newest point of that item, `web-1#3` its third; whatever else is an id. */
export async function findRecoveryPoint(api: ApiClient, wanted: string): Promise<string> {
  if (isIdOf('RecoveryPoint', wanted)) return wanted;
  const [, item = wanted, number] = /^(.*?)(?:#(\d+))?$/s.exec(wanted) ?? [];
  const filter = { protectedItemId: await findProtectedItem(api, item) };
  const first = number === undefined ? 1 : 200;
  const found = await collect(
    async (after) => (await api.ask(PointNumbers, { after, first, filter })).recoveryPoints,
    number === undefined ? 1 : undefined,
  );
  const point = number === undefined ? found[0] : found.find(({ sequence }) => String(sequence) === number);
  if (point !== undefined) return point.id;
  throw new HoldfastError({
    kind: 'NotFound',
    code: 'NO_SUCH_POINT',
    message: `"${item}" has no recovery point${number === undefined ? ' yet' : ` number ${number}`}`,
  });
}

/** Jobs have no names. Throws Validation for what is no id of one. */
export function jobId(text: string): string {
  if (isIdOf('Job', text)) return text;
  throw new HoldfastError({
    kind: 'Validation',
    code: 'NO_JOB_ID',
    message: `"${text}" is not the id of a job: "holdfast jobs list" shows them`,
  });
}

/** The server's ids say what they are of. */
function isIdOf(type: string, text: string): boolean {
  return Buffer.from(text, 'base64url').toString('latin1').startsWith(`${type}:`);
}
