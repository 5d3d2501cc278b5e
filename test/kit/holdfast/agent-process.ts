import path from 'node:path';
import type { Api } from './api.js';
import { BackgroundProcess, runProgram } from './background-process.js';
import type { ServerProcess } from './server-process.js';

const ONLINE_MS = 30_000;

/** An enrolled agent with a state folder of its own. */
export class AgentProcess {
  readonly name: string;
  readonly stateFolder: string;
  readonly id: string;
  readonly #environment: NodeJS.ProcessEnv;
  #process: BackgroundProcess | undefined;

  private constructor(name: string, stateFolder: string, id: string, environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
    this.name = name;
    this.stateFolder = stateFolder;
    this.id = id;
  }

  static async enroll(
    server: ServerProcess,
    api: Api,
    input: { folder: string; name: string; subscriptionId: string; environment?: NodeJS.ProcessEnv },
  ): Promise<AgentProcess> {
    const stateFolder = path.join(input.folder, input.name);
    const { token } = await api.mutate(
      'createEnrollmentToken',
      { subscriptionId: input.subscriptionId, agentName: input.name },
      'token',
    );
    const result = await runProgram('holdfast-agent', [
      'enroll',
      '--server',
      server.addresses.enrollGrpc,
      '--token',
      token,
      '--state',
      stateFolder,
    ]);
    if (result.code !== 0) throw new Error(`enrolling ${input.name} failed (${result.code}): ${result.stderr}`);
    const data = await api.ask(
      'query Agents($filter: AgentFilter) { agents(first: 200, filter: $filter) { edges { node { id name } } } }',
      {
        filter: { subscriptionId: input.subscriptionId },
      },
    );
    const edge = data.agents.edges.find((candidate: { node: { name: string } }) => candidate.node.name === input.name);
    return new AgentProcess(input.name, stateFolder, edge.node.id, input.environment ?? {});
  }

  start(): void {
    this.#process = new BackgroundProcess('holdfast-agent', ['run', '--state', this.stateFolder], {
      env: this.#environment,
    });
  }

  get process(): BackgroundProcess {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process;
  }

  async waitUntilOnline(api: Api): Promise<void> {
    const deadline = performance.now() + ONLINE_MS;
    for (;;) {
      const { agent } = await api.ask('query Agent($id: ID!) { agent(id: $id) { status } }', { id: this.id });
      if (agent.status === 'ONLINE') return;
      if (this.process.ended || performance.now() > deadline)
        throw new Error(`${this.name} did not come online:\n${this.process.output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}
