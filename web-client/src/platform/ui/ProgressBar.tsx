import styles from './ProgressBar.module.css';

interface ProgressBarProps {
  readonly label: string;
  /** 0 to 1; undefined while the amount of work is not known. */
  readonly fraction: number | undefined;
  /** The same for ears: "41 percent, 2 min left". */
  readonly valueText: string;
}

export function ProgressBar({ label, fraction, valueText }: ProgressBarProps) {
  const percent = fraction === undefined ? undefined : Math.round(fraction * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={valueText}
      className={`${styles['track']} ${percent === undefined ? styles['unknown'] : ''}`}
    >
      <div className={styles['bar']} style={percent === undefined ? undefined : { width: `${percent}%` }} />
    </div>
  );
}
