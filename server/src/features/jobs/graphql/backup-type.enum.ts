import { registerEnumType } from 'type-graphql';
import type { BackupType } from '../domain/job.js';

/** GraphQL's BackupType, for every feature that shows or takes one. */
export const BackupTypeEnum: { readonly [T in BackupType]: T } = {
  FULL: 'FULL',
  DIFFERENTIAL: 'DIFFERENTIAL',
  INCREMENTAL: 'INCREMENTAL',
};
registerEnumType(BackupTypeEnum, { name: 'BackupType' });
