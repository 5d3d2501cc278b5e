import { cpSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timers } from '@holdfast/core/clock';
import { type FileCalls, openLocalStore } from '@holdfast/core/engine';
import type { Random } from '@holdfast/core/ids';
import type { ChunkIndex } from '../../server/src/gateway/chunk-index/chunk-index.js';
import { PageBudget } from '../../server/src/gateway/chunk-index/page-budget.js';
import { openSqliteChunkIndex } from '../../server/src/gateway/chunk-index/sqlite-chunk-index.js';
import { createGatewayCore } from '../../server/src/gateway/composition-root.js';
import type { Coordination } from '../../server/src/gateway/coordination/coordination.js';
import type { GatewayCore } from '../../server/src/gateway/gateway-core.js';
import { GATEWAY_LIMITS } from '../../server/src/gateway/limits.js';
import { lookAtPacks } from '../../server/src/gateway/vault-stores/look-at-packs.js';
import { openListedVaults } from '../../server/src/gateway/vault-stores/open-listed-vaults.js';
import { createLog } from '../../server/src/platform/telemetry/create-log.js';
import { Life } from './life.js';
import type { SimulatedDisk, Survives } from './simulated-disk.js';

const MIB = 1024 * 1024;
/** Room for the footer, and packs so small that a backup of a few files has several. */
const LIMITS = { ...GATEWAY_LIMITS, maxPackBytes: 8 * MIB + 96 * 1024 };
/** So small that a few packs divide segments, and make entries durable. */
const SIZES = { segmentSlots: 8, block: 16, betweenSyncs: 32 };
/** Methods of an index that write. */
const CHANGES = /^(record|set|interrupt|forget|mark|skip|change|void|save)/;
const silent = createLog('gateway', 'silent');

export interface GatewayPorts {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly disk: SimulatedDisk;
  /** Of the index. */
  readonly folder: string;
  readonly vaultId: string;
  /** As many as usual unless given. */
  readonly uploadPlaces?: number | undefined;
  readonly coordination: (life: Life) => Coordination;
  /** The index wrote something. */
  readonly changed: () => void;
}

/** One gateway process: the real core over a simulated disk, with its real index in a folder. */
export class SimulatedGateway {
  readonly life = new Life('gateway');
  readonly core: GatewayCore;
  private readonly opened = new Set<ChunkIndex>();
  /** Of the index's log: so much was written, and so much is on the medium. */
  private loggedBytes = 0;
  private flushedBytes: number;

  constructor(private readonly ports: GatewayPorts) {
    const { life } = this;
    mkdirSync(ports.folder, { recursive: true });
    // What was there before it opens anything is there after it.
    this.flushedBytes = this.logBytes();
    const clock = life.clock(ports.clock);
    this.core = createGatewayCore(
      {
        clock,
        timers: clock,
        random: ports.random,
        log: silent,
        coordination: ports.coordination(life),
        openStore: async () =>
          openLocalStore({
            root: ports.disk.root,
            owner: 'gateway',
            random: ports.random,
            create: false,
            calls: guardCalls(life, ports.disk),
          }),
        openIndex: (vaultId) => this.openIndex(vaultId),
      },
      { ...LIMITS, uploads: { ...LIMITS.uploads, places: ports.uploadPlaces ?? LIMITS.uploads.places } },
    );
  }

  /** What a gateway does when it starts, and from time to time. */
  start(): void {
    const stopped = new AbortController();
    this.life.onEnd(() => stopped.abort());
    this.life.live(() => {
      openListedVaults(this.core, stopped.signal).catch(() => undefined);
      lookAtPacks(this.core, stopped.signal).catch(() => undefined);
    });
  }

  get index(): ChunkIndex | undefined {
    return this.core.vaults.all()[0]?.index;
  }

  /**
   * The process is gone. What it left of its index comes to lie in another folder: all that it wrote, or, when the power went as
   * well, at least what it had waited for.
   */
  kill(folder: string, survives?: Survives): void {
    this.copyIndex(folder, survives);
    this.life.end();
    for (const index of this.opened) index.close();
    rmSync(this.ports.folder, { recursive: true });
  }

  copyIndex(folder: string, survives?: Survives): void {
    cpSync(this.ports.folder, folder, { recursive: true });
    if (survives === undefined) return;
    if (this.logBytes(folder) > this.flushedBytes && !survives()) truncateSync(this.logFile(folder), this.flushedBytes);
    // Derived from the other file, and said to be made anew when it is gone.
    if (!survives()) rmSync(join(folder, `${this.ports.vaultId}.entries`), { force: true });
  }

  private openIndex(vaultId: string): ChunkIndex {
    const path = join(this.ports.folder, `${vaultId}.sqlite`);
    const index = openSqliteChunkIndex(path, vaultId, { pages: new PageBudget(MIB), sizes: SIZES });
    this.opened.add(index);
    this.loggedBytes = this.logBytes();
    this.flushedBytes = this.loggedBytes;
    return this.life.guard(index, (method) => {
      // A vault that cannot be opened lets go of its index.
      if (method === 'close') this.opened.delete(index);
      if (!CHANGES.test(method)) return;
      const bytes = this.logBytes();
      if (bytes === this.loggedBytes) return;
      this.loggedBytes = bytes;
      // Every change but this one is durable when its method returns, and carries what came before it.
      if (method !== 'recordArrivingPack') this.flushedBytes = bytes;
      this.ports.changed();
    });
  }

  private logFile(folder: string): string {
    return join(folder, `${this.ports.vaultId}.sqlite-wal`);
  }

  private logBytes(folder = this.ports.folder): number {
    return statSync(this.logFile(folder), { throwIfNoEntry: false })?.size ?? 0;
  }
}

function guardCalls(life: Life, disk: SimulatedDisk): FileCalls {
  const calls: FileCalls = life.guard<FileCalls>(disk);
  return {
    open: async (...asked) => life.guard(await calls.open(...asked)),
    mkdir: (...asked) => calls.mkdir(...asked),
    rmdir: (path) => calls.rmdir(path),
    readdir: (...asked) => calls.readdir(...asked),
    stat: (path) => calls.stat(path),
    statfs: (...asked) => calls.statfs(...asked),
    link: (...asked) => calls.link(...asked),
    rename: (...asked) => calls.rename(...asked),
    unlink: (path) => calls.unlink(path),
  };
}
