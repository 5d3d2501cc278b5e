/** What is measured: cases that share a dataset run on it in the order in which a user would come to them. */
import type { BackupKind } from './contenders/contender.js';

export interface Step {
  readonly case: string;
  readonly does: BackupKind | 'restore';
}

export interface Group {
  readonly dataset: 'big-random' | 'sdk-tree' | 'small-files' | 'image' | 'folder';
  /** A restore takes the backup of the step before it. */
  readonly steps: readonly Step[];
  /** One repository for all rounds, first filled outside the measurement; each round then changes the dataset. */
  readonly changes: boolean;
}

const GROUPS: readonly Group[] = [
  {
    dataset: 'big-random',
    steps: [
      { case: 'big-random', does: 'first' },
      { case: 'restore-big-random', does: 'restore' },
      { case: 'full-reread', does: 'full' },
      { case: 'restore-full-reread', does: 'restore' },
    ],
    changes: false,
  },
  {
    dataset: 'sdk-tree',
    steps: [
      { case: 'sdk-tree', does: 'first' },
      { case: 'restore-sdk-tree', does: 'restore' },
      { case: 'unchanged', does: 'unchanged' },
      { case: 'restore-unchanged', does: 'restore' },
    ],
    changes: false,
  },
  {
    dataset: 'small-files',
    steps: [
      { case: 'small-files', does: 'first' },
      { case: 'restore-small-files', does: 'restore' },
    ],
    changes: false,
  },
  {
    dataset: 'image',
    steps: [
      { case: 'one-percent', does: 'unchanged' },
      { case: 'restore-one-percent', does: 'restore' },
    ],
    changes: true,
  },
];

const FOLDER_GROUP: Group = {
  dataset: 'folder',
  steps: [
    { case: 'dataset-first', does: 'first' },
    { case: 'dataset-unchanged', does: 'unchanged' },
    { case: 'dataset-restore', does: 'restore' },
  ],
  changes: false,
};

export function groupsFor(withFolder: boolean): readonly Group[] {
  return withFolder ? [...GROUPS, FOLDER_GROUP] : GROUPS;
}

export function caseNames(withFolder: boolean): string[] {
  return groupsFor(withFolder).flatMap(({ steps }) => steps.map((step) => step.case));
}

/** What has to run so that the wanted cases can be measured: also the backup that a wanted one builds upon. */
export function neededSteps(group: Group, wanted: ReadonlySet<string>): Step[] {
  const { steps } = group;
  const needed = new Set<Step>();
  for (const [index, step] of steps.entries()) {
    if (!wanted.has(step.case)) continue;
    needed.add(step);
    const base = step.does === 'restore' ? steps.slice(0, index).findLast(({ does }) => does !== 'restore') : undefined;
    if (base !== undefined) needed.add(base);
  }
  const [first] = steps;
  if (needed.size > 0 && first !== undefined) needed.add(first);
  return steps.filter((step) => needed.has(step));
}
