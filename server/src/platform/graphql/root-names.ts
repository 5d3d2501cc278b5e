import { GraphQLSchema } from 'graphql';

/** What the domain's Subscription is called until `nameRoots` has run: type-graphql takes `Subscription` for the root of live updates. */
export const DOMAIN_SUBSCRIPTION = 'DomainSubscription';
const LIVE_ROOT = 'SubscriptionRoot';

/** The schema with the root of live updates named SubscriptionRoot and the domain's type named Subscription. */
export function nameRoots(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig();
  const domain = config.types.find((type) => type.name === DOMAIN_SUBSCRIPTION);
  // Types are held by reference everywhere but in the schema's index by name, which the new schema builds again.
  if (config.subscription) config.subscription.name = LIVE_ROOT;
  if (domain !== undefined) domain.name = 'Subscription';
  return new GraphQLSchema({ ...config, types: config.types.filter((type) => !type.name.startsWith('__')) });
}
