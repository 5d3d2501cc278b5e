import { Text } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { EmptyState } from '../../platform/ui/EmptyState';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import type { ItemView } from '../protected-items/item-fragment';
import styles from './Overview.module.css';
import { nextUp } from './tally';

const LISTED = 5;

export function NextBackups({ items }: { readonly items: readonly ItemView[] }) {
  const next = nextUp(items, LISTED);
  return (
    <Panel title="Next backups" actions={<Go to={paths.policies}>Policies</Go>} flush>
      {next.length === 0 ? (
        <EmptyState title="Nothing is scheduled">
          <Text size="sm" c="dimmed">
            Create a policy and choose it when you protect folders; until then backups run on demand only.
          </Text>
        </EmptyState>
      ) : (
        <ul className={styles['rows']}>
          {next.map((item) => (
            <li key={item.id}>
              <Go to={paths.protectedItem(item.id)}>
                <HostText>{item.name}</HostText>
              </Go>
              <Moment at={item.nextBackupAt} relative />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
