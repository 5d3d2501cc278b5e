/** Patterns of include and exclude rules: what both the server, which takes them, and the agents, which match by them, hold to. */

export { parsePattern } from './parse-pattern.js';
export type { PathPattern, PatternComponent, PatternToken } from './path-pattern.js';
export { InvalidPatternError } from './path-pattern.js';
