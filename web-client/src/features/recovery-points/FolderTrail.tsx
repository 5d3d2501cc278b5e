import { Anchor, Breadcrumbs } from '@mantine/core';
import { HostText } from '../../platform/ui/HostText';
import { stepsTo } from './selection';

interface FolderTrailProps {
  readonly path: string;
  readonly onGo: (path: string) => void;
}

/** Where in the recovery point one is, and the way back up. */
export function FolderTrail({ path, onGo }: FolderTrailProps) {
  const steps = [{ name: 'Root', path: '/' }, ...stepsTo(path)];
  return (
    <nav aria-label="Folder" style={{ padding: '0.75rem 1rem', borderBottom: '1px solid var(--hf-line)' }}>
      <Breadcrumbs style={{ flexWrap: 'wrap', rowGap: '0.25rem' }}>
        {steps.map((step, index) =>
          index === steps.length - 1 ? (
            <span key={step.path} aria-current="location" style={{ fontWeight: 600 }}>
              <HostText>{step.name}</HostText>
            </span>
          ) : (
            <Anchor key={step.path} component="button" type="button" onClick={() => onGo(step.path)}>
              <HostText>{step.name}</HostText>
            </Anchor>
          ),
        )}
      </Breadcrumbs>
    </nav>
  );
}
