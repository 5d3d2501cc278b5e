import { readFileSync } from 'node:fs';

/** From the package's own description, beside both the sources and the build. */
export function agentVersion(): string {
  const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return description.version;
}
