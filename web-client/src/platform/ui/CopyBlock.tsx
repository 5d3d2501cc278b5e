import { Button, CopyButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import styles from './CopyBlock.module.css';
import { WholeWords } from './WholeWords';

interface CopyBlockProps {
  readonly text: string;
  /** What is copied, for the button's name: "command". */
  readonly what: string;
}

/** Text to take away: a command, a key. */
export function CopyBlock({ text, what }: CopyBlockProps) {
  return (
    <div className={styles['block']}>
      <pre className={styles['text']}>
        <WholeWords text={text} />
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button
            size="xs"
            variant="default"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          >
            <span aria-live="polite">{copied ? 'Copied' : `Copy ${what}`}</span>
          </Button>
        )}
      </CopyButton>
    </div>
  );
}
