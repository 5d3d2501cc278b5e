import { ChunkHasher } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import type { DataSession } from '../data-transport.js';
import type { BackupCommand } from '../job.js';
import type { JobRun } from '../job-run.js';
import { ClaimLog } from './claim-log.js';
import { Existence } from './existence.js';
import { NodeMaker } from './file-assembly.js';
import { createSealer } from './lanes/create-lane.js';
import { LanePool } from './lanes/lane-pool.js';
import { PackBuffers } from './lanes/pack-buffers.js';
import { NodeIntake } from './node-intake.js';
import type { SealedPack } from './pack-sealer.js';
import { PackUploader } from './pack-uploader.js';
import type { PipelineStop } from './pipeline-stop.js';
import type { BackupPorts } from './run-backup.js';
import { SpoiledPacks } from './spoiled-packs.js';

/** Packs beyond those that are being filled. */
const PACKS_ON_THEIR_WAY = 2;

/** Everything between a tree and its packs in the vault, for one session: what exists already, files, nodes, packs, uploads. */
export class BackupPipeline {
  private constructor(
    readonly existence: Existence,
    readonly lanes: LanePool,
    readonly intake: NodeIntake,
    readonly nodes: NodeMaker,
    readonly spoiled: SpoiledPacks,
    private readonly uploader: PackUploader,
    private readonly claims: ClaimLog,
    /** The next one, for another session, which goes by what this one learned of the vault and of the host. */
    readonly again: (session: DataSession) => Promise<BackupPipeline>,
  ) {}

  static async open(
    command: BackupCommand,
    run: JobRun,
    session: DataSession,
    ports: Pick<BackupPorts, 'lanes' | 'random' | 'clock' | 'agentId' | 'paranoid'>,
    stop: PipelineStop,
    claimsFile: string,
    before?: Pick<BackupPipeline, 'existence' | 'spoiled'>,
  ): Promise<BackupPipeline> {
    const { domain, vaultId } = command;
    const setup = {
      vaultId,
      domain,
      agentId: uuidToBytes(ports.agentId),
      maxPackBytes: session.terms.maxPackBytes,
      padFrames: session.terms.padFrames,
      paranoid: ports.paranoid,
    };
    const buffers = new PackBuffers(ports.lanes.most + PACKS_ON_THEIR_WAY);
    const packing = {
      takeBuffer: () => buffers.take(),
      emit: (pack: SealedPack) => void send(pack).then(() => buffers.giveBack(pack.buffer)),
    };
    const sealer = await createSealer('NODE', setup, { ...packing, random: ports.random });
    const claims = new ClaimLog(claimsFile);
    const existence = new Existence(session, claims, stop.signal, before?.existence);
    const spoiled = new SpoiledPacks(existence, before?.spoiled);
    const uploader = new PackUploader(session, run.counters, spoiled, stop);
    const send = async (pack: SealedPack): Promise<void> => {
      try {
        if (pack.spoiled === undefined) await uploader.submit(pack);
        else spoiled.add(pack.footer, pack.spoiled);
      } catch (error) {
        stop.fail(error);
      }
    };
    const host = {
      present: (claims: Buffer) => existence.present(claims),
      counted: (counts: { readonly bytesRead: number; readonly bytesChanged: number }) => {
        run.counters.bytesRead += counts.bytesRead;
        run.counters.bytesChanged += counts.bytesChanged;
      },
    };
    const lanes = new LanePool(
      ports.lanes.start,
      ports.lanes.most,
      setup,
      { host, ...packing, fail: (error) => stop.fail(error) },
      stop,
    );
    const intake = new NodeIntake({ existence, sealer, timers: ports.clock, stop });
    const nodes = new NodeMaker(new ChunkHasher(domain.idKey), domain.chunkerKey, (node) => intake.node(node));
    const again = (next: DataSession): Promise<BackupPipeline> =>
      BackupPipeline.open(command, run, next, ports, stop, claimsFile, { existence, spoiled });
    return new BackupPipeline(existence, lanes, intake, nodes, spoiled, uploader, claims, again);
  }

  /** Everything that was taken in is durable in the vault's store, or among the returned ids. */
  async drain(): Promise<ReadonlySet<string>> {
    await Promise.all([this.lanes.finish(), this.intake.finish()]);
    await this.uploader.drain();
    return this.existence.settle();
  }

  /**
   * Lets go of threads, and waits until nothing is on its way any more.
   *
   * @param whenUnused called, perhaps later, once no lane opens files any more
   */
  async close(whenUnused: () => void = () => undefined): Promise<void> {
    void this.lanes.close().then(whenUnused);
    await this.uploader.settled();
    this.claims.close();
  }
}
