import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconPlayerPlay,
  type TablerIcon,
} from '@tabler/icons-react';
import styles from './Status.module.css';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

const ICONS: Record<Tone, TablerIcon> = {
  good: IconCircleCheck,
  busy: IconPlayerPlay,
  warn: IconAlertTriangle,
  bad: IconCircleX,
  idle: IconCircleDashed,
};

interface StatusProps {
  readonly tone: Tone;
  readonly children: string;
}

/** A state in words, with a shape and a colour that say the same. */
export function Status({ tone, children }: StatusProps) {
  const Icon = ICONS[tone];
  return (
    <span className={`${styles['status']} ${styles[tone]}`}>
      <Icon size={15} aria-hidden />
      {children}
    </span>
  );
}
