/** What gateways and agents ask control, over whatever carries the calls. */
import type { Coordination } from '../../server/src/gateway/coordination/coordination.js';
import type { Life } from './life.js';
import type { ControlLine } from './simulated-agent.js';
import type { SimulatedControl } from './simulated-control.js';
import { unavailable } from './simulated-network.js';

type Ask = <T>(work: (control: SimulatedControl) => Promise<T>) => Promise<T>;

export function coordinationOver(askControl: Ask): Coordination {
  const ask = <T>(work: (coordination: Coordination) => Promise<T>): Promise<T> =>
    askControl((control) => work(control.coordination()));
  return {
    authorizeSession: (...asked) => ask((control) => control.authorizeSession(...asked)),
    preparePoint: (...asked) => ask((control) => control.preparePoint(...asked)),
    recordPoint: (...asked) => ask((control) => control.recordPoint(...asked)),
    releaseFrameKeys: (...asked) => ask((control) => control.releaseFrameKeys(...asked)),
    cutFrame: (...asked) => ask((control) => control.cutFrame(...asked)),
    verifyFrames: (...asked) => ask((control) => control.verifyFrames(...asked)),
    listVaultStores: () => ask((control) => control.listVaultStores()),
    reportIncident: (...asked) => ask((control) => control.reportIncident(...asked)),
    reconcilePoints: (...asked) => ask((control) => control.reconcilePoints(...asked)),
  };
}

/** `current` is the control process that stands at the moment. */
export function controlLineOver(ask: Ask, life: Life, current: () => SimulatedControl | undefined): ControlLine {
  return {
    hello: (running) => ask(async (control) => control.hello(running)),
    finished: (message) => ask((control) => control.finished(message)),
    ended: () => {
      const control = current();
      if (control === undefined) return Promise.reject(unavailable('control is gone'));
      return new Promise((resolve) => {
        control.life.onEnd(resolve);
        life.onEnd(resolve);
      });
    },
  };
}
