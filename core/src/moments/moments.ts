import { channel } from 'node:diagnostics_channel';

/**
 * Moments of the write path, each between two steps of which the first is done, sent or durable and the next is not begun: where
 * the death of a process leaves something behind that whoever comes next has to cope with.
 *
 * They are told on a diagnostics channel, where nobody listens unless code is loaded into the process that does: a test that kills
 * the process there, or a simulation that ends one party. No option, variable or message makes a program listen, and without a
 * listener telling costs a look at a flag.
 */
export const MOMENTS = [
  /** A pack is sealed, and nothing of it was sent. */
  'agent.pack-sealed',
  /** All of it was handed to the transport. */
  'agent.pack-sent',
  'agent.pack-acknowledged',
  /** Every pack is acknowledged, and the commit was not asked for. */
  'agent.all-sent',
  /** The point exists, and the agent kept nothing of it yet. */
  'agent.commit-answered',
  'agent.cache-written',
  /** The job's result is on the agent's disk, and control was not told. */
  'agent.outcome-kept',

  /** The index expects the pack, and a file for it is open. */
  'gateway.pack-arriving',
  /** A part of the pack has come, and its place is somebody else's. */
  'gateway.pack-paused',
  /** It has a place again, and nothing more of it has come. */
  'gateway.pack-resumed',
  /** The pack's rows are durable, and its sender was not told. */
  'gateway.pack-indexed',
  'gateway.pack-answered',
  'gateway.commit-received',
  /** The footers of all packs stand in index objects. */
  'gateway.footers-stored',
  /** The index has the signed point, and the store has it not. */
  'gateway.point-kept',
  /** The point's object is durable, and control was not told. */
  'gateway.point-stored',
  'gateway.point-recorded',
  /** The index says that the point is recorded, and the agent was not told. */
  'gateway.commit-finished',

  /** An object's bytes are written to a file without its name, and not flushed. */
  'store.written',
  'store.flushed',
  /** The file has its name, and its folder is not flushed. */
  'store.named',
  'store.durable',

  /** A job has a lease, and its agent was not told. */
  'control.job-leased',
  'control.point-signed',
  'control.point-recorded',
  /** The end of a job was heard, and nothing of it is recorded. */
  'control.outcome-received',
  'control.outcome-recorded',
] as const;

export type Moment = (typeof MOMENTS)[number];

const moments = channel('holdfast.moment');

export function reached(moment: Moment): void {
  if (moments.hasSubscribers) moments.publish(moment);
}

/** Calls the listener, on the spot, at every moment that this thread reaches. Returns what ends that. */
export function watchMoments(listener: (moment: Moment) => void): () => void {
  const told = (message: unknown): void => listener(message as Moment);
  moments.subscribe(told);
  return () => void moments.unsubscribe(told);
}
