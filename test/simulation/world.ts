/**
 * A fleet in one thread: the agent's, the gateway's and the engine's real code over a simulated disk, network and clock, with
 * everything that happens by chance drawn from one seed. What a seed did it does again.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDomain, DomainScope, descriptorName } from '@holdfast/core/engine';
import { seededRandom, uuidFromBytes } from '@holdfast/core/ids';
import { type Moment, watchMoments } from '@holdfast/core/moments';
import type { BackupCommand, BackupType, JobRef } from '../../agent/src/jobs/job.js';
import type { ChunkIndex } from '../../server/src/gateway/chunk-index/chunk-index.js';
import type { TestDomain } from '../../server/src/gateway/testing/uploader.fixture.js';
import { SeededChance } from '../kit/seeded-chance.js';
import { Armed } from './armed.js';
import { backupCommand, CHUNKER } from './backup-command.js';
import { Life, type Party } from './life.js';
import { type LostPack, LostPacks } from './lost-packs.js';
import { Neighbours } from './neighbours.js';
import { SimulatedAgent } from './simulated-agent.js';
import { SimulatedCatalog, SimulatedControl, type SimulatedJob } from './simulated-control.js';
import { SimulatedDisk, type Survives } from './simulated-disk.js';
import { SimulatedGateway } from './simulated-gateway.js';
import { controlLineOver, coordinationOver } from './simulated-lines.js';
import { SimulatedNetwork } from './simulated-network.js';
import { SimulatedTransport } from './simulated-session.js';
import { FAST_LINK, type Link } from './simulated-upload.js';
import { SimulationClock } from './simulation-clock.js';
import { SourceTree } from './source-tree.js';
import type { Mishap, Strike } from './strikes.js';
import { threadPoolIsBusy } from './thread-pool.js';
import { Witness } from './witness.js';

const LOOK_MS = 200;
/** Later than any file of the tree was made: its times can be relied on. */
const LATER = Date.UTC(2100, 0);

export interface WorldOptions {
  /** Of a hundred calls between agent and gateway so many are cut. */
  readonly cutsPerHundred: number;
  readonly crowd?: Crowd | undefined;
}

/** Others who want places for uploads, of which there are few, while a slow link keeps them long. */
export interface Crowd {
  readonly places: number;
  readonly neighbours: number;
  readonly link: Link;
}

export interface PowerCut {
  readonly disk: SimulatedDisk;
  /** With the index. */
  readonly folder: string;
  /** Points that control had recorded by then. */
  readonly recorded: readonly string[];
}

export class World {
  readonly clock = new SimulationClock(LATER);
  readonly random;
  readonly folder: string;
  readonly source: SourceTree;
  readonly witness = new Witness();
  readonly catalog: SimulatedCatalog;
  disk = new SimulatedDisk();
  /** Told of every change of what is stored, by the gateway's disk or in its index. */
  changed: () => void = () => undefined;
  control: SimulatedControl | undefined;
  gateway: SimulatedGateway | undefined;
  agent: SimulatedAgent | undefined;
  /** Everything that mattered, in order. */
  readonly trace: string[] = [];
  kills = 0;
  powerCuts = 0;
  readonly agentId: string;
  private readonly network: SimulatedNetwork;
  private readonly dead: SimulatedAgent[] = [];
  private folders = 0;
  private readonly strikes = new Armed<Strike>();
  private readonly mishaps = new Armed<Mishap>();
  readonly lostPacks: LostPacks;
  /** Losses that the index knew all of when a job began. */
  readonly knownLosses = new Map<string, ReadonlySet<LostPack>>();
  private readonly neighbours: Neighbours;
  private stopWatching: () => void = () => undefined;

  private constructor(
    readonly chance: SeededChance,
    seed: string,
    readonly domain: TestDomain,
    private readonly options: WorldOptions,
  ) {
    this.random = seededRandom(`${seed} bytes`);
    this.agentId = uuidFromBytes(this.random.bytes(16));
    this.folder = mkdtempSync(join(scratch(), 'holdfast-simulation-'));
    mkdirSync(join(this.folder, 'source'));
    this.source = new SourceTree(join(this.folder, 'source'), chance, this.random);
    this.network = new SimulatedNetwork(chance, options.cutsPerHundred);
    this.disk.place(`${this.disk.root}/${descriptorName(1n)}`, Buffer.from('a descriptor'));
    this.useDisk(this.disk);
    this.lostPacks = new LostPacks(chance, () => this.disk, this.witness);
    this.neighbours = new Neighbours({
      timers: this.clock,
      chance: new SeededChance(`${seed} neighbours`),
      vaultId: domain.vaultId,
      gateway: () => this.gateway,
    });
    const vault = { vaultId: domain.vaultId, storeUrl: 'local:/store' };
    const store = { get: () => Promise.reject(new Error('control reads no store here')) };
    this.catalog = new SimulatedCatalog(vault, domain, store as never, this.random);
  }

  static async create(seed: string, options: WorldOptions): Promise<World> {
    const random = seededRandom(`${seed} keys`);
    const vaultId = random.bytes(16);
    const domainId = random.bytes(16);
    const made = await createDomain(
      { vaultId, vaultKey: random.bytes(32), domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT, chunker: CHUNKER },
      random,
    );
    const domain = { vaultId: uuidFromBytes(vaultId), id: uuidFromBytes(domainId), ...made };
    return new World(new SeededChance(seed), seed, domain, options);
  }

  /** Runs the work in this world, with its time. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.stopWatching = watchMoments((moment) => this.reached(moment));
    for (const party of ['control', 'gateway', 'agent'] as const) this.start(party);
    this.neighbours.come(this.options.crowd?.neighbours ?? 0);
    try {
      return await this.clock.run(work(), threadPoolIsBusy);
    } finally {
      this.neighbours.leave();
      this.stopWatching();
      for (const party of ['control', 'gateway', 'agent'] as const) this.end(party);
      await this.clock.run(Promise.all(this.dead.map((agent) => agent.removeRemains())), threadPoolIsBusy);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** A backup from its request to its end, with these deaths and mishaps on the way. */
  async backUp(type: BackupType, strikes: readonly Strike[], mishaps: readonly Mishap[] = []): Promise<SimulatedJob> {
    await this.untilAllStand();
    const { control, lostPacks } = this;
    if (control === undefined) throw new Error('control does not stand');
    const unknown = lostPacks.unknownTo(this.index());
    const known = [...lostPacks.broken.values()].filter((loss) => !unknown.includes(loss));
    this.strikes.arm(strikes);
    this.mishaps.arm(mishaps);
    const job = control.enqueue(type);
    this.knownLosses.set(job.jobId, new Set(known));
    while (job.pointId === undefined && job.failure === undefined) {
      this.control?.life.live(() => this.control?.dispatch());
      await this.clock.sleep(LOOK_MS);
    }
    this.strikes.arm([]);
    this.mishaps.arm([]);
    this.trace.push(`${type} ended: ${job.failure ?? 'completed'}`);
    return job;
  }

  async untilAllStand(): Promise<void> {
    const stands = (): boolean =>
      this.control !== undefined && this.gateway?.core.vaults.complete === true && this.agent?.isConnected === true;
    while (!stands()) await this.clock.sleep(LOOK_MS);
  }

  /** Of the gateway that stands. */
  index(): ChunkIndex {
    const index = this.gateway?.index;
    if (index === undefined) throw new Error('the vault is not open');
    return index;
  }

  /** No others want places any more. */
  calmDown(): void {
    this.neighbours.leave();
  }

  /** Packs vanish, or come back. */
  suffer(what: Mishap['what']): void {
    const { lostPacks, gateway } = this;
    if (gateway?.index !== undefined) lostPacks.compareWith(gateway.index);
    const told = what === 'lose' ? lostPacks.lose() : lostPacks.bringBack(what === 'bring back changed');
    this.trace.push(told);
  }

  /** These die at once, and come back some time later. */
  kill(parties: readonly Party[], power: boolean): void {
    const survives = (): boolean => this.chance.below(2) === 0;
    for (const party of parties) {
      if (this[party] === undefined) continue;
      this.kills += 1;
      this.end(party, power && party === 'gateway' ? survives : undefined);
      this.clock.after(100 + this.chance.below(10_000), () => this.start(party));
    }
    if (!power) return;
    this.powerCuts += 1;
    this.useDisk(this.disk.afterPowerCut(survives));
  }

  /** What a power cut in this moment would leave of the server. */
  powerCut(survives: Survives): PowerCut {
    const folder = this.newFolder();
    this.gateway?.copyIndex(folder, survives);
    return { disk: this.disk.afterPowerCut(survives), folder, recorded: this.catalog.recorded() };
  }

  /** The server comes back with what a cut had left. */
  async comeBackFrom({ disk, folder }: PowerCut): Promise<void> {
    this.kill(['gateway'], false);
    this.useDisk(disk);
    this.left.gateway = folder;
    await this.untilAllStand();
  }

  private useDisk(disk: SimulatedDisk): void {
    this.disk = disk;
    disk.changed = () => this.changed();
  }

  private reached(moment: Moment): void {
    const life = Life.current;
    // Another world may be at work in this thread, and what was killed may not have come to its end yet.
    if (life === undefined || life !== this[life.party]?.life) return;
    const job = this.catalog.queue.at(-1);
    if (moment === 'agent.cache-written' && job !== undefined) this.witness.cached.add(job.jobId);
    const mishap = this.mishaps.reached(moment);
    if (mishap !== undefined) this.suffer(mishap.what);
    const strike = this.strikes.reached(moment);
    if (strike === undefined) return;
    this.trace.push(`${strike.victims.join('+')} killed at ${moment}`);
    // What is on the stack goes on to its next port and finds it gone: a diagnostics channel lets no listener throw.
    this.kill(strike.victims, strike.power);
  }

  private end(party: Party, survives?: () => boolean): void {
    const next = this.newFolder();
    if (party === 'control') this.control?.life.end();
    else if (party === 'gateway') this.gateway?.kill(next, survives);
    else if (this.agent !== undefined) {
      this.agent.kill(next);
      this.dead.push(this.agent);
    }
    this.left[party] = next;
    this[party] = undefined;
  }

  private readonly left: { [P in Party]?: string } = {};

  private start(party: Party): void {
    const { clock, random, agentId } = this;
    const folder = this.left[party] ?? this.newFolder();
    mkdirSync(folder, { recursive: true });
    this.trace.push(`${party} starts`);
    if (party === 'control') {
      this.control = new SimulatedControl(this.catalog, {
        agentId,
        commandFor: (job, lease) => this.commandFor(job, lease),
        tell: (say) => {
          if (this.agent?.isConnected === true) say(this.agent);
        },
      });
    } else if (party === 'gateway') {
      this.gateway = new SimulatedGateway({
        ...{ clock, random, folder, disk: this.disk, vaultId: this.domain.vaultId },
        coordination: (life) => coordinationOver(this.askControl(life)),
        uploadPlaces: this.options.crowd?.places,
        changed: () => this.changed(),
      });
      this.gateway.start();
    } else {
      const agent = new SimulatedAgent({
        ...{ clock, random, agentId, folder },
        transport: (life) => this.transportFor(life),
        control: (life) => controlLineOver(this.askControl(life), life, () => this.control),
        opened: (job, process, name) => this.witness.opened(job, process, name),
      });
      this.agent = agent;
      agent.life.live(() => agent.run()).catch(() => undefined);
    }
  }

  transportFor(life: Life): SimulatedTransport {
    return new SimulatedTransport({
      life,
      clock: life.clock(this.clock),
      random: this.random,
      agentId: this.agentId,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      call: (work) => this.network.call(life, () => this.gatewayDoor(), work, { mayBeCut: true }),
      watch: this.witness,
      link: this.options.crowd?.link ?? FAST_LINK,
    });
  }

  private gatewayDoor() {
    return this.gateway && { life: this.gateway.life, server: this.gateway.core };
  }

  private controlDoor() {
    return this.control && { life: this.control.life, server: this.control };
  }

  private askControl(life: Life) {
    return <T>(work: (control: SimulatedControl) => Promise<T>): Promise<T> =>
      this.network.call(life, () => this.controlDoor(), work, { mayBeCut: false });
  }

  private commandFor(job: SimulatedJob, lease: JobRef): BackupCommand {
    const command = backupCommand({ ...this, type: job.type, lease });
    const { type, lastPointId, lastFullPointId } = command;
    const base = { FULL: undefined, INCREMENTAL: lastPointId, DIFFERENTIAL: lastFullPointId }[type];
    this.witness.leased(lease, base && this.catalog.factsOf(base).jobId);
    return command;
  }

  private newFolder(): string {
    return join(this.folder, `state-${this.folders++}`);
  }
}

/** In memory where there is such a place: what a kill leaves is not a matter of disks, and their flushes take time. */
function scratch(): string {
  return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
}
