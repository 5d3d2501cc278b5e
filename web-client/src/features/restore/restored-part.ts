import { liesIn } from '../recovery-points/selection';

/** How much of a point with these roots lies in `base`; nothing outside of it is restored. */
export function partIn(base: string, roots: readonly string[]): 'all' | 'some' | 'nothing' {
  if (roots.every((root) => liesIn(base, root))) return 'all';
  return roots.some((root) => liesIn(base, root) || liesIn(root, base)) ? 'some' : 'nothing';
}
