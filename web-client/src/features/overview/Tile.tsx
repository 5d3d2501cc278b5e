import { Stack, Text } from '@mantine/core';
import { Go } from '../../platform/ui/Go';
import { Panel } from '../../platform/ui/Panel';
import { Status, type Tone } from '../../platform/ui/Status';
import styles from './Overview.module.css';

interface TileProps {
  readonly title: string;
  readonly total: string;
  readonly of: string;
  /** What is a state has a tone. */
  readonly parts: ReadonlyArray<readonly [tone: Tone | undefined, text: string]>;
  readonly to: string;
  readonly link: string;
}

/** One number and what it is made of. */
export function Tile({ title, total, of, parts, to, link }: TileProps) {
  return (
    <Panel title={title} actions={<Go to={to}>{link}</Go>}>
      <Stack gap="sm">
        <div>
          <span className={styles['total']}>{total}</span>{' '}
          <Text span c="dimmed">
            {of}
          </Text>
        </div>
        <div className={styles['parts']}>
          {parts.map(([tone, text]) =>
            tone === undefined ? (
              <Text key={text} span size="sm">
                {text}
              </Text>
            ) : (
              <Status key={text} tone={tone}>
                {text}
              </Status>
            ),
          )}
        </div>
      </Stack>
    </Panel>
  );
}
