import { Alert, Text } from '@mantine/core';
import { IconDatabaseExclamation, IconFileBroken, IconPlugConnectedX } from '@tabler/icons-react';
import type { VaultsQuery } from '../../gql/graphql';
import { countOf, formatBytes } from '../../platform/format/amounts';
import { visibleText } from '../../platform/format/visible-text';
import { HostText } from '../../platform/ui/HostText';
import { KitPending } from './KitPending';

type Vault = VaultsQuery['vaults']['edges'][number]['node'];
type VaultView = Pick<Vault, 'id' | 'name' | 'recoveryKitConfirmed'> & {
  readonly service: Pick<Vault['service'], 'state' | 'reason' | 'message' | 'space' | 'lostPacks'>;
};

interface VaultNoticesProps {
  readonly vault: VaultView;
}

/** What somebody has to do about a vault, most pressing first. */
export function VaultNotices({ vault }: VaultNoticesProps) {
  return (
    <>
      {vault.service.state === 'OUT_OF_SERVICE' && <OutOfService vault={vault} />}
      {(vault.service.lostPacks ?? 0) > 0 && <LostPacks name={vault.name} count={vault.service.lostPacks ?? 0} />}
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

interface LostPacksProps {
  readonly name: string;
  readonly count: number;
}

/** It goes away once the packs are back, or what they held was sent again. */
function LostPacks({ name, count }: LostPacksProps) {
  return (
    <Alert
      variant="default"
      icon={<IconFileBroken aria-hidden color="var(--hf-bad)" />}
      title={
        <>
          The vault <HostText>{name}</HostText> has lost data
        </>
      }
      style={{ borderColor: 'var(--hf-bad)' }}
    >
      <Text size="sm">
        {countOf(count, 'pack')} of its store {count === 1 ? 'is' : 'are'} missing or damaged, with data that it has
        nowhere else: recovery points that need them lack them. Put the packs back, or run a full backup of each item,
        which sends again what its source still has.
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
