export * from '../gen/index.holdfast.v1.js';
