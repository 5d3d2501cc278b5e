import { ActionIcon, Button, Drawer, Menu, Text } from '@mantine/core';
import { IconCircleDashed, IconLogout, IconMenu2, IconPointFilled, IconUserCircle } from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { Outlet } from 'react-router';
import { visibleText } from '../../platform/format/visible-text';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { useIsDelayed } from '../jobs/live-jobs';
import { useSession, type Viewer } from '../session/session';
import { Mark } from './Mark';
import { Navigation } from './Navigation';
import styles from './Shell.module.css';

/** The frame around every page of whoever is signed in. */
export function Shell({ viewer }: { readonly viewer: Viewer }) {
  const session = useSession();
  const [navigating, setNavigating] = useState(false);
  const name = visibleText(viewer.user.name);
  return (
    <div className={styles['frame']}>
      <a href="#main" className="hf-skip">
        Skip to the content
      </a>
      <header className={styles['head']}>
        <ActionIcon
          className={styles['burger']}
          variant="subtle"
          color="gray"
          size="lg"
          aria-label="Open the menu"
          aria-expanded={navigating}
          onClick={() => setNavigating(true)}
        >
          <IconMenu2 size={20} aria-hidden />
        </ActionIcon>
        <Mark />
        <span style={{ flex: 1 }} />
        <LiveSign connected={session.live} />
        <Menu position="bottom-end" width={200}>
          <Menu.Target>
            <Button
              variant="default"
              size="sm"
              leftSection={<IconUserCircle size={18} aria-hidden />}
              aria-label={`Account ${name}`}
              title={name}
              classNames={{ root: styles['account'] ?? '' }}
            >
              <span className={styles['accountName']}>{name}</span>
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void session.signOut()}>
              Sign out
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {name}
              </Text>
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </header>
      <div className={styles['side']}>
        <Navigation />
      </div>
      <Drawer
        opened={navigating}
        onClose={() => setNavigating(false)}
        size="16rem"
        title="Menu"
        closeButtonProps={{ 'aria-label': 'Close the menu' }}
      >
        <Navigation onGo={() => setNavigating(false)} />
      </Drawer>
      <main id="main" tabIndex={-1} className={styles['main']}>
        <Suspense fallback={<LoadingRows rows={5} />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}

function LiveSign({ connected }: { readonly connected: boolean | undefined }) {
  const delayed = useIsDelayed();
  const live = connected === true && !delayed;
  return (
    <span
      className={styles['live']}
      role="status"
      title={live ? 'Live: jobs update by themselves' : wordsFor(connected, delayed)}
    >
      {live ? (
        <IconPointFilled size={16} color="var(--hf-good)" aria-hidden />
      ) : (
        <IconCircleDashed size={14} aria-hidden />
      )}
      <span className={live ? styles['liveWords'] : undefined}>{wordsFor(connected, delayed)}</span>
    </span>
  );
}

function wordsFor(connected: boolean | undefined, delayed: boolean): string {
  if (connected === undefined) return 'Connecting…';
  if (!connected) return 'Reconnecting…';
  return delayed ? 'Every few seconds' : 'Live';
}
