import { type ReactNode, useEffect, useRef, useState } from 'react';
import styles from './SidewaysScroll.module.css';

interface SidewaysScrollProps {
  /** What scrolls, for ears. */
  readonly label: string;
  readonly children: ReactNode;
}

/** Scrolls what is too wide: shadows at its edges say so, and the keyboard can reach it as long as it is. */
export function SidewaysScroll({ label, children }: SidewaysScrollProps) {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [isCut, setIsCut] = useState(false);
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      const { scrollWidth = 0, clientWidth = 0 } = frame.current ?? {};
      setIsCut(scrollWidth > clientWidth);
    });
    for (const each of [frame.current, content.current]) if (each) watch.observe(each);
    return () => watch.disconnect();
  }, []);
  return (
    <div
      ref={frame}
      className={styles['scroll']}
      {...(isCut ? { role: 'region', 'aria-label': `${label}: scrolls sideways`, tabIndex: 0 } : {})}
    >
      <div ref={content} style={{ minWidth: 'min-content' }}>
        {children}
      </div>
    </div>
  );
}
