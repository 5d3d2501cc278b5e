export * from '../gen/index.holdfast.vault.v1.js';
