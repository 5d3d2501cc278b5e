// The layers, as rules. Folder by folder: who may import whom, and where each library may appear.
// Paths are those of source files; a workspace package resolves to its sources.

const library = (names) => `node_modules/(${names})(/|$)`;
const featureLayer = (layers) => `^server/src/(features|gateway)/.*(${layers})(/|\\.ts$)`;
const not = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const never = (layer, targets) =>
  not(
    `${layer.replace('\\.ts', '')}-imports-too-much`,
    `${layer} must not know ${targets.replaceAll('|', ', ')}`,
    { path: `^server/src/.*/${layer}(/|$)`, pathNot: '\\.test\\.ts$' },
    { path: featureLayer(`/(${targets})`) },
  );

const folders = [
  not(
    'proto-imports-nothing',
    'proto stands alone',
    { path: '^proto/' },
    { path: '^(core|server|agent|cli|web-client|test|schema)/' },
  ),
  not(
    'core-imports-proto-only',
    'core is what both sides share',
    { path: '^core/' },
    { path: '^(server|agent|cli|web-client|test|schema)/' },
  ),
  not(
    'core-engine-alone-knows-stored-messages',
    'proto reaches core in engine/ only',
    { path: '^core/', pathNot: '^core/src/engine/' },
    { path: '^proto/' },
  ),
  not(
    'engine-knows-no-wire-messages',
    'engine/ knows what is stored, not what travels',
    { path: '^core/src/engine/' },
    { path: '^proto/src/(v1/|gen/holdfast/v1/|gen/index\\.holdfast\\.v1)' },
  ),
  not(
    'server-imports-core-and-proto',
    'server uses core and proto',
    { path: '^server/', pathNot: '\\.test\\.ts$' },
    { path: '^(agent|cli|web-client|test|schema)/' },
  ),
  not(
    'server-tests-use-the-kit',
    'server tests may also use the test kit',
    { path: '^server/.*\\.test\\.ts$' },
    { path: '^(agent|cli|web-client|schema|test/(?!kit/))' },
  ),
  not(
    'agent-imports-core-and-proto',
    'agent uses core and proto',
    { path: '^agent/', pathNot: '\\.test\\.ts$' },
    { path: '^(server|cli|web-client|test|schema)/' },
  ),
  not(
    'agent-tests-use-the-kit',
    'agent tests may also use the test kit',
    { path: '^agent/.*\\.test\\.ts$' },
    { path: '^(server|cli|web-client|schema|test/(?!kit/))' },
  ),
  not(
    'cli-imports-core-and-schema',
    'the CLI is a GraphQL client',
    { path: '^cli/', pathNot: '\\.test\\.ts$' },
    { path: '^(proto|server|agent|web-client|test)/' },
  ),
  not(
    'cli-tests-use-the-kit',
    'CLI tests may also use the test kit',
    { path: '^cli/.*\\.test\\.ts$' },
    { path: '^(proto|server|agent|web-client|test/(?!kit/))' },
  ),
  not(
    'web-client-imports-schema-only',
    'the page knows the schema and nothing else',
    { path: '^web-client/' },
    { path: '^(core|proto|server|agent|cli|test)/' },
  ),
  not(
    'tests-use-public-doors',
    'test/ speaks GraphQL, gRPC, CLI and the browser',
    { path: '^test/', pathNot: '^test/simulation/' },
    { path: '^(server|agent|cli|web-client)/' },
  ),
  not(
    'simulation-opens-agent-and-server',
    'the simulation puts agent and gateway together in one thread, which no door allows',
    { path: '^test/simulation/' },
    { path: '^(cli|web-client|schema|test/(?!kit/|simulation/))' },
  ),
  not(
    'control-and-gateway-apart',
    'two processes: they share platform/ and nothing of their features',
    { path: '^server/src/gateway/' },
    { path: '^server/src/features/' },
  ),
  not(
    'gateway-and-control-apart',
    'two processes: they share platform/ and nothing of their features',
    { path: '^server/src/features/' },
    { path: '^server/src/gateway/' },
  ),
];

const layers = [
  not(
    'domain-is-pure',
    'domain/ decides: plain data in, plain data out',
    { path: '^server/src/.*/domain/', pathNot: '\\.test\\.ts$' },
    { path: featureLayer('/(use-cases|persistence|graphql|grpc|tasks|ports)'), pathNot: '/domain/' },
  ),
  not(
    'domain-knows-no-platform',
    'domain/ decides: plain data in, plain data out',
    { path: '^server/src/.*/domain/', pathNot: '\\.test\\.ts$' },
    { path: '^server/src/(platform/|[^/]+\\.ts$)' },
  ),
  not(
    'domain-and-policy-touch-no-system',
    'pure code reads neither files nor network',
    { path: '^(server/src/.*/domain/|core/src/(errors|ids|path-patterns|policy)/)', pathNot: '\\.test\\.ts$' },
    {
      path: '^(node:)?(fs|net|http|https|http2|tls|dns|child_process|worker_threads|os)(/|$)',
      dependencyTypes: ['core'],
    },
  ),
  not(
    'core-touches-no-network',
    'the network is passed in',
    { path: '^core/', pathNot: '\\.test\\.ts$' },
    { path: '^(node:)?(net|http|https|http2|tls|dns|dgram)(/|$)', dependencyTypes: ['core'] },
  ),
  never('use-cases', 'persistence|graphql|grpc|tasks'),
  not(
    'use-cases-know-no-doors',
    'a use case sees ports, not technology',
    { path: '^server/src/.*/use-cases/', pathNot: '\\.test\\.ts$' },
    { path: '^server/src/platform/(graphql|grpc|db)/' },
  ),
  never('ports\\.ts', 'persistence|graphql|grpc|tasks|use-cases'),
  never('persistence', 'graphql|grpc|tasks|use-cases'),
  never('graphql', 'persistence|grpc|tasks'),
  never('grpc', 'persistence|graphql|tasks'),
  never('tasks', 'persistence|graphql|grpc'),
  not(
    'doors-know-no-database',
    'a door calls a use case',
    { path: '^server/src/(features|gateway)/.*/(graphql|grpc|tasks)/', pathNot: '\\.test\\.ts$' },
    { path: '^server/src/platform/db/' },
  ),
  ...['graphql', 'grpc', 'db', 'scheduler', 'telemetry', 'pki'].map((area) => {
    // Each area may list what the features hang into it: resolvers, services, entities, tasks.
    // Doors also call use cases.
    const own = {
      graphql: ['graphql', 'use-cases'],
      grpc: ['grpc', 'use-cases'],
      db: ['persistence'],
      scheduler: ['tasks'],
    };
    const others = ['use-cases', 'persistence', 'graphql', 'grpc', 'tasks'].filter(
      (layer) => !own[area]?.includes(layer),
    );
    return not(
      `platform-${area}-serves-features`,
      'features use the platform, which knows their ports and data and lists what they hang into it',
      { path: `^server/src/platform/${area}/`, pathNot: '\\.test\\.ts$' },
      { path: featureLayer(`/(${others.join('|')})`) },
    );
  }),
];

const libraries = [
  not(
    'mikro-orm-in-persistence',
    'MikroORM stays in persistence/ and platform/db',
    { path: '^(core|server|agent|cli)/', pathNot: '^server/src/(.*/persistence|platform/db)/' },
    { path: library('@mikro-orm/[^/]+|kysely|knex') },
  ),
  not(
    'graphql-libraries-in-graphql',
    'Apollo and type-graphql stay in graphql/',
    { path: '^(core|server|agent)/', pathNot: '^server/src/.*/graphql/' },
    {
      path: library(
        '@apollo/[^/]+|@as-integrations/[^/]+|@escape\\.tech/[^/]+|class-validator|graphql|graphql-[^/]+|type-graphql',
      ),
    },
  ),
  not(
    'server-wire-messages-in-grpc',
    'generated messages stay in grpc/',
    { path: '^server/', pathNot: '^server/src/.*/grpc/|\\.test\\.ts$' },
    { path: '^proto/' },
  ),
  not(
    'agent-wire-messages-in-session',
    'generated messages stay in session/',
    { path: '^agent/', pathNot: '^agent/src/session/|\\.test\\.ts$' },
    { path: '^proto/' },
  ),
  not(
    'koffi-in-posix',
    'foreign functions stay in two modules: the system and the codec',
    { path: '^(core|server|agent|cli|web-client)/', pathNot: '^agent/src/platform/(posix|native-codec)\\.ts$' },
    { path: library('koffi') },
  ),
];

module.exports = {
  forbidden: [
    not(
      'no-cycles',
      'modules form a tree of reasons',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    not(
      'resolvable',
      'every import leads somewhere',
      { pathNot: '/gql/' },
      { couldNotResolve: true, pathNot: '/gql/' },
    ),
    ...folders,
    ...layers,
    ...libraries,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['holdfast-source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^[^/]+/(dist|bundle)/' },
  },
};
