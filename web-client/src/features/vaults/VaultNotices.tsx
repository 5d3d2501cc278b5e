import { Alert, Text } from '@mantine/core';
import { IconDatabaseExclamation, IconPlugConnectedX } from '@tabler/icons-react';
import type { VaultsQuery } from '../../gql/graphql';
import { formatBytes } from '../../platform/format/amounts';
import { visibleText } from '../../platform/format/visible-text';
import { HostText } from '../../platform/ui/HostText';
import { KitPending } from './KitPending';

type Vault = VaultsQuery['vaults']['edges'][number]['node'];
type VaultView = Pick<Vault, 'id' | 'name' | 'recoveryKitConfirmed'> & {
  readonly service: Pick<Vault['service'], 'state' | 'reason' | 'message' | 'space'>;
};

interface VaultNoticesProps {
  readonly vault: VaultView;
}

/** What somebody has to do about a vault, most pressing first. */
export function VaultNotices({ vault }: VaultNoticesProps) {
  return (
    <>
      {vault.service.state === 'OUT_OF_SERVICE' && <OutOfService vault={vault} />}
      {vault.service.space?.low === true && <LowOnSpace name={vault.name} {...vault.service.space} />}
      {!vault.recoveryKitConfirmed && <KitPending vault={vault} />}
    </>
  );
}

/** Nothing can be backed up to the vault or restored from it: better known before somebody needs that. */
function OutOfService({ vault: { name, service } }: VaultNoticesProps) {
  return (
    <Alert
      variant="default"
      icon={<IconPlugConnectedX aria-hidden color="var(--hf-bad)" />}
      title={
        <>
          The vault <HostText>{name}</HostText> is out of service
        </>
      }
      style={{ borderColor: 'var(--hf-bad)' }}
    >
      <Text size="sm">
        {visibleText(service.message ?? '')} <span className="hf-mono">({service.reason})</span>
      </Text>
    </Alert>
  );
}

interface LowOnSpaceProps {
  readonly name: string;
  readonly freeBytes: string;
  readonly totalBytes: string;
}

/** It goes away by itself once there is room. */
function LowOnSpace({ name, freeBytes, totalBytes }: LowOnSpaceProps) {
  return (
    <Alert
      variant="default"
      icon={<IconDatabaseExclamation aria-hidden color="var(--hf-warn)" />}
      title={
        <>
          The store of the vault <HostText>{name}</HostText> is low on space
        </>
      }
      style={{ borderColor: 'var(--hf-warn)' }}
    >
      <Text size="sm">
        {formatBytes(freeBytes)} of {formatBytes(totalBytes)} are free. Backups fail once there is none: make room on
        the file system that the store lies on.
      </Text>
    </Alert>
  );
}
