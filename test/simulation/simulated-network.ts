import { HoldfastError } from '@holdfast/core/errors';
import type { SeededChance } from '../kit/seeded-chance.js';
import type { Life } from './life.js';

/** Who serves at the moment; nobody between a death and the next start. */
export interface Door<Server> {
  readonly life: Life;
  readonly server: Server;
}

/** Calls between processes: they may not arrive, their answers may not, and whoever should answer may die over them. */
export class SimulatedNetwork {
  cuts = 0;

  constructor(
    private readonly chance: SeededChance,
    /** Of a hundred calls that may be cut, so many are. */
    private readonly cutsPerHundred: number,
  ) {}

  async call<Server, T>(
    caller: Life,
    door: () => Door<Server> | undefined,
    work: (server: Server) => Promise<T>,
    options: { readonly mayBeCut: boolean },
  ): Promise<T> {
    caller.check();
    const at = door();
    if (at?.life.alive !== true) throw unavailable('nobody listens');
    const cut = options.mayBeCut && this.chance.below(100) < this.cutsPerHundred;
    const arrives = !cut || this.chance.below(2) === 0;
    if (cut) this.cuts += 1;
    if (!arrives) throw unavailable('the call was lost');
    const died = new Promise<void>((resolve) => at.life.onEnd(resolve));
    const answer = at.life.live(() => work(at.server));
    await Promise.race([answer.catch(() => undefined), died]);
    caller.check();
    if (!at.life.alive) throw unavailable('the connection broke');
    if (cut) throw unavailable('the answer was lost');
    return answer;
  }
}

export function unavailable(why: string): HoldfastError {
  return new HoldfastError({ kind: 'Unavailable', code: 'CONNECTION_LOST', message: `Not reachable: ${why}.` });
}
