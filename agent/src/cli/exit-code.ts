import { asHoldfastError, ERROR_TABLE } from '@holdfast/core/errors';

/**
 * Exit codes of the agent's commands: 0 done; 1 refused by the present state, or a defect; 2 wrong usage; 10 not found; 11 the state folder is in
 * use; 20 refused by the server; 21 the server cannot be reached; 130 stopped.
 */
export function exitCodeOf(error: unknown): number {
  return ERROR_TABLE[asHoldfastError(error).kind].cliExit;
}
