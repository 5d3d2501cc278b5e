/** A server with a vault and agents, set up through the API, for one test file. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Door, TestLink } from '../link/test-link.js';
import { toPathScalar } from '../path-scalar.js';
import { SmallDisk } from '../small-disk.js';
import { AgentProcess } from './agent-process.js';
import type { Api, Data } from './api.js';
import { backUp, type RestoreRequest, restoreTo, waitForJob } from './jobs.js';
import { type Administrator, ServerProcess } from './server-process.js';

const JOB_MS = 90_000;

export interface FleetOptions {
  readonly agents?: number;
  readonly serverArgs?: readonly string[];
  /** What all agents reach the server over; enrolment goes past it. Closed with the fleet. */
  readonly link?: TestLink;
  /** Of the server's and the agents' processes, beside that of the test. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Parts of the fleet's folder (`server`, `stores`, `agent-1`) that are small file systems of their own, with their MiB. */
  readonly disks?: Readonly<Record<string, number>>;
}

/** Where the agents enter the link. */
export interface LinkDoors {
  readonly control: Door;
  readonly data: Door;
}

export class Fleet {
  readonly folder: string;
  readonly server: ServerProcess;
  readonly api: Api;
  readonly administrator: Administrator;
  readonly subscriptionId: string;
  readonly regionId: string;
  readonly agents: readonly AgentProcess[];
  readonly #link: TestLink | undefined;
  readonly #doors: LinkDoors | undefined;
  readonly #disks: ReadonlyMap<string, SmallDisk>;

  private constructor(fields: {
    folder: string;
    server: ServerProcess;
    api: Api;
    administrator: Administrator;
    subscriptionId: string;
    regionId: string;
    agents: readonly AgentProcess[];
    link: TestLink | undefined;
    doors: LinkDoors | undefined;
    disks: ReadonlyMap<string, SmallDisk>;
  }) {
    this.folder = fields.folder;
    this.server = fields.server;
    this.api = fields.api;
    this.administrator = fields.administrator;
    this.subscriptionId = fields.subscriptionId;
    this.regionId = fields.regionId;
    this.agents = fields.agents;
    this.#link = fields.link;
    this.#doors = fields.doors;
    this.#disks = fields.disks;
  }

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-e2e-')));
    const { link, environment = {} } = options;
    const doors = link && { control: await link.open(), data: await link.open() };
    const forwarded = doors && ['--public-grpc', doors.control.address, '--public-data-grpc', doors.data.address];
    const disks = new Map<string, SmallDisk>();
    for (const [name, mib] of Object.entries(options.disks ?? {})) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      disks.set(name, SmallDisk.mount(path.join(folder, name), mib));
    }
    const server = new ServerProcess(folder, [...(forwarded ?? []), ...(options.serverArgs ?? [])], environment);
    const agents: AgentProcess[] = [];
    try {
      await server.start();
      doors?.control.leadTo(server.addresses.grpc);
      doors?.data.leadTo(server.addresses.dataGrpc);
      const { administrator, token } = await server.completeSetup();
      const api = server.api(token);
      const data = await api.ask('{ subscriptions { edges { node { id } } } regions { edges { node { id } } } }');
      const subscriptionId = data.subscriptions.edges[0].node.id;
      for (let index = 1; index <= (options.agents ?? 1); index += 1) {
        const named = { folder, name: `agent-${index}`, subscriptionId, environment };
        const agent = await AgentProcess.enroll(server, api, named);
        agent.start();
        agents.push(agent);
      }
      await Promise.all(agents.map((agent) => agent.waitUntilOnline(api)));
      return new Fleet({
        folder,
        server,
        api,
        administrator,
        subscriptionId,
        regionId: data.regions.edges[0].node.id,
        agents,
        link,
        doors,
        disks,
      });
    } catch (error) {
      await Promise.all(agents.map((agent) => agent.stop()));
      await server.stop();
      link?.close();
      for (const disk of disks.values()) disk.remove();
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  agent(index = 0): AgentProcess {
    const agent = this.agents[index];
    if (agent === undefined) throw new Error(`the fleet has no agent ${index}`);
    return agent;
  }

  get doors(): LinkDoors {
    if (this.#doors === undefined) throw new Error('the fleet was started without a link');
    return this.#doors;
  }

  disk(name: string): SmallDisk {
    const disk = this.#disks.get(name);
    if (disk === undefined) throw new Error(`${name} has no disk of its own`);
    return disk;
  }

  /** A new, empty folder of this test. */
  newFolder(name: string): string {
    const folder = path.join(this.folder, name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  async createVault(
    name: string,
    input: { dedupDomain?: 'VAULT' | 'ITEM'; subscriptionId?: string } = {},
  ): Promise<Data> {
    const { vault, recoveryKit } = await this.api.mutate(
      'createVault',
      { subscriptionId: this.subscriptionId, regionId: this.regionId, name, ...input },
      'recoveryKit vault { id }',
    );
    return { id: vault.id, recoveryKit };
  }

  async protect(input: {
    name: string;
    vaultId: string;
    root: string;
    agent?: AgentProcess;
    policyId?: string;
    include?: string[];
    exclude?: string[];
    oneFileSystem?: boolean;
  }): Promise<string> {
    const { name, vaultId, root, agent, policyId, include, exclude, oneFileSystem } = input;
    const files = { roots: [toPathScalar(Buffer.from(root))], include, exclude, oneFileSystem };
    const payload = await this.api.mutate(
      'configureProtection',
      { agentId: (agent ?? this.agent()).id, vaultId, policyId, name, files },
      'protectedItem { id }',
    );
    return payload.protectedItem.id;
  }

  /** Runs a backup to its end and answers the job, whatever its end was. */
  async backUp(itemId: string, type: 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL' = 'FULL'): Promise<Data> {
    return await waitForJob(this.api, await backUp(this.api, itemId, type), { timeoutMs: JOB_MS });
  }

  async restore(request: RestoreRequest): Promise<Data> {
    return await waitForJob(this.api, await restoreTo(this.api, request), { timeoutMs: JOB_MS });
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await this.server.stop();
    this.#link?.close();
    for (const disk of this.#disks.values()) disk.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
