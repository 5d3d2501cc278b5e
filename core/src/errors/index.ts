export type { ErrorKind, ErrorRow, RetryRule } from './error-table.js';
export { ERROR_KINDS, ERROR_TABLE, kindOfCode, kindOfGrpcStatus } from './error-table.js';
export type { ErrorDetails, HoldfastErrorInit } from './holdfast-error.js';
export { asHoldfastError, HoldfastError, isHoldfastError } from './holdfast-error.js';
export type { WireError } from './wire.js';
export { fromWireError, toWireError } from './wire.js';
