import type { ProcessMessage } from '../process-channel.js';

/** A child's side of the channel to the supervisor. */
export interface ParentChannel {
  send(message: ProcessMessage): Promise<void>;
  onMessage(listener: (message: ProcessMessage) => void): void;
  /** The supervisor is gone. */
  onGone(listener: () => void): void;
}

/** Undefined when this process was not started by a supervisor. */
export function openParentChannel(): ParentChannel | undefined {
  if (process.send === undefined || !process.connected) return undefined;
  return {
    send: (message) =>
      new Promise((resolve) => {
        if (!process.connected) return resolve();
        process.send?.(message, undefined, undefined, () => resolve());
      }),
    onMessage: (listener) => void process.on('message', (message) => listener(message as ProcessMessage)),
    onGone: (listener) => void process.once('disconnect', listener),
  };
}
