import { graphql } from '../../gql';
import type { ItemRowFragment } from '../../gql/graphql';

/** What every list of protected items shows. */
graphql(`
  fragment ItemRow on ProtectedItem {
    id name protectionState nextBackupAt
    agent { id name status }
    vault { id name }
    policy { id name }
    lastBackup { id state createdAt finishedAt }
    lastRecoveryPoint { id time }
  }
`);

export type ItemView = ItemRowFragment;
