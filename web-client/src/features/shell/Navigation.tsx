import {
  IconCalendarClock,
  IconDatabase,
  IconLayoutDashboard,
  IconProgressCheck,
  IconServer2,
  IconShieldCheck,
  type TablerIcon,
} from '@tabler/icons-react';
import { NavLink } from 'react-router';
import styles from './Shell.module.css';

const PLACES: ReadonlyArray<readonly [path: string, name: string, icon: TablerIcon]> = [
  ['/', 'Overview', IconLayoutDashboard],
  ['/protected-items', 'Protected items', IconShieldCheck],
  ['/jobs', 'Jobs', IconProgressCheck],
  ['/agents', 'Agents', IconServer2],
  ['/vaults', 'Vaults', IconDatabase],
  ['/policies', 'Policies', IconCalendarClock],
];

export function Navigation({ onGo }: { readonly onGo?: () => void }) {
  return (
    <nav aria-label="Main">
      <ul className={styles['nav']}>
        {PLACES.map(([path, name, Icon]) => (
          <li key={path}>
            <NavLink to={path} end={path === '/'} className={styles['link'] ?? ''} onClick={onGo}>
              <Icon size={19} stroke={1.7} aria-hidden />
              {name}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
