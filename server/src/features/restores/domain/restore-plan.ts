import { isAtOrBelow, normaliseAbsolutePath } from '../../protected-items/domain/absolute-path.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';

export type RestoreMode = 'ORIGINAL_LOCATION' | 'ALTERNATE_LOCATION';
export type OnConflict = 'FAIL' | 'SKIP' | 'OVERWRITE' | 'KEEP_BOTH';

export interface RestoreRequest {
  readonly mode: RestoreMode;
  readonly target?: { readonly agentId?: string; readonly path: Uint8Array; readonly base: Uint8Array };
  readonly select?: readonly Uint8Array[];
  readonly onConflict: OnConflict;
}

/** Where what lands: `base` of the point comes to lie at `targetPath` on the agent. */
export interface RestorePlan {
  readonly agentId: string;
  readonly targetPath: Buffer;
  readonly base: Buffer;
  /** Entries of the point, each with all below it; empty means everything. */
  readonly select: readonly Buffer[];
  readonly onConflict: OnConflict;
}

const ROOT = Buffer.from('/');
const MOST_SELECTED = 1_000;

/** Checks a request for a point of an item that lives on `itemAgentId`. Throws Validation with the field's path. */
export function planRestore(request: RestoreRequest, itemAgentId: string): RestorePlan {
  const { agentId, targetPath, base } = planTarget(request, itemAgentId);
  return { agentId, targetPath, base, select: planSelection(request.select, base), onConflict: request.onConflict };
}

function planTarget({ mode, target }: RestoreRequest, itemAgentId: string) {
  if (mode === 'ORIGINAL_LOCATION') {
    if (target)
      throw invalidInput('target', 'TARGET_NOT_ALLOWED', 'ORIGINAL_LOCATION takes no target: the item says where.');
    return { agentId: itemAgentId, targetPath: ROOT, base: ROOT };
  }
  if (!target) throw invalidInput('target', 'TARGET_MISSING', 'ALTERNATE_LOCATION needs a target.');
  return {
    agentId: target.agentId ?? itemAgentId,
    targetPath: checkedPath(target.path, 'target.path'),
    base: checkedPath(target.base, 'target.base'),
  };
}

function planSelection(select: readonly Uint8Array[] | undefined, base: Buffer): Buffer[] {
  if (!select) return [];
  if (select.length === 0)
    throw invalidInput('select', 'EMPTY_SELECTION', 'Nothing is selected; leave `select` out to restore everything.');
  if (select.length > MOST_SELECTED)
    throw invalidInput('select', 'SELECTION_TOO_LARGE', `At most ${MOST_SELECTED} paths.`);
  const paths = select.map((raw, index) => {
    const path = checkedPath(raw, `select.${index}`);
    if (!isAtOrBelow(path, base))
      throw invalidInput(`select.${index}`, 'OUTSIDE_BASE', 'The path does not lie below the base.');
    return path;
  });
  if (paths.some((path) => path.equals(base))) return [];
  return withoutCovered(paths);
}

// A path below another that is selected too would be restored twice.
function withoutCovered(paths: readonly Buffer[]): Buffer[] {
  const kept: Buffer[] = [];
  for (const path of [...paths].sort((a, b) => a.length - b.length || Buffer.compare(a, b))) {
    if (!kept.some((other) => isAtOrBelow(path, other))) kept.push(path);
  }
  return kept.sort(Buffer.compare);
}

function checkedPath(raw: Uint8Array, field: string): Buffer {
  const check = normaliseAbsolutePath(raw);
  if ('problem' in check) throw invalidInput(field, 'BAD_PATH', check.problem);
  return check.path;
}
