import type { ProcessMessage } from '../process-channel.js';

/** A child's side of the channel to the supervisor. */
export interface ParentChannel {
  send(message: ProcessMessage): Promise<void>;
  /** Also hears the last message of each type that came before: a process takes its time to get to where it listens. */
  onMessage(listener: (message: ProcessMessage) => void): void;
  /** The supervisor is gone. */
  onGone(listener: () => void): void;
}

/** Undefined when this process was not started by a supervisor. */
export function openParentChannel(): ParentChannel | undefined {
  if (process.send === undefined || !process.connected) return undefined;
  const last = new Map<ProcessMessage['type'], ProcessMessage>();
  const listeners: ((message: ProcessMessage) => void)[] = [];
  process.on('message', (received) => {
    const message = received as ProcessMessage;
    last.set(message.type, message);
    for (const listener of listeners) listener(message);
  });
  return {
    send: (message) =>
      new Promise((resolve) => {
        if (!process.connected) return resolve();
        process.send?.(message, undefined, undefined, () => resolve());
      }),
    onMessage(listener) {
      listeners.push(listener);
      for (const message of last.values()) listener(message);
    },
    onGone: (listener) => void process.once('disconnect', listener),
  };
}
