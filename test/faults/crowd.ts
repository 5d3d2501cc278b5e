import { systemRandom } from '@holdfast/core/ids';
import { PackKind } from '@holdfast/proto/v1';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Data } from '../kit/holdfast/api.js';
import type { Fleet } from '../kit/holdfast/fleet.js';
import { answerOf, HostileAgent, Refusal } from '../kit/holdfast/hostile-agent.js';

/** More than there are places for uploads. */
const AGENTS = 80;
const AT_A_TIME = 4;
/** 72 KiB a second each. */
const TRICKLE_MS = 250;
const TRICKLE = Buffer.alloc(18 * 1024);

/** Agents of one vault, of which each has one upload that moves a little more than slow ones do, and comes again whenever it had to give way. */
export class Crowd {
  readonly #agents: HostileAgent[] = [];
  #isOver = false;

  private constructor(
    private readonly fleet: Fleet,
    private readonly vaultId: string,
  ) {}

  static async gather(fleet: Fleet, vaultId: string): Promise<Crowd> {
    const crowd = new Crowd(fleet, vaultId);
    for (let from = 0; from < AGENTS; from += AT_A_TIME)
      await Promise.all(Array.from({ length: AT_A_TIME }, (_, at) => crowd.#join(`crowd-${from + at}`)));
    return crowd;
  }

  leave(): void {
    this.#isOver = true;
    for (const agent of this.#agents) agent.close();
  }

  async #join(name: string): Promise<void> {
    const { folder, server, api, subscriptionId } = this.fleet;
    const enrolled = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
    const agent = new HostileAgent(server, enrolled);
    this.#agents.push(agent);
    await agent.connect();
    const { vaultId } = this;
    const itemId = await this.fleet.protect({ name: `of ${name}`, vaultId, root: '/srv', agent: enrolled });
    await api.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }');
    const { job } = await agent.hear('startBackup');
    agent.say({ $case: 'jobAccepted', value: { job } });
    const open = async (): Promise<Buffer> =>
      (await answerOf<Data>((done) => agent.data.openSession({ job }, done))).sessionId as Buffer;
    void this.#trickle(agent, await open(), open);
  }

  /** For ever; in another session where the gateway has come anew, and in another pack where one is full. */
  async #trickle({ data }: HostileAgent, first: Buffer, open: () => Promise<Buffer>): Promise<void> {
    let sessionId = first;
    let packId = systemRandom.bytes(16);
    for (let again = false; !this.#isOver; again = true) {
      const failure = await new Promise<Refusal | undefined>((resolve) => {
        let isWanted = false;
        const stream = data.uploadPack((error) => {
          clearInterval(sending);
          resolve(error ? new Refusal(error) : undefined);
        });
        stream.once('metadata', () => (isWanted = true));
        const header = { sessionId, packId, kind: PackKind.PACK_KIND_DATA, again };
        stream.write({ part: { $case: 'header', value: header } });
        const sending = setInterval(() => {
          if (isWanted) stream.write({ part: { $case: 'frame', value: { data: TRICKLE, last: false } } });
        }, TRICKLE_MS);
      });
      if (failure?.code === 'NOT_FOUND') sessionId = await open().catch(() => sessionId);
      if (failure?.code === 'DATA_CORRUPTED') packId = systemRandom.bytes(16);
      await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
    }
  }
}
