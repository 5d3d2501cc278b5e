import fs from 'node:fs';
import path from 'node:path';

const KEPT_MS = 30 * 24 * 3_600_000;

/**
 * Which folders were empty when a restore began in them: an attempt that takes the job up again finds there what the one before it
 * made, and is in nobody's way. A hint: what cannot be read or written is as good as absent.
 */
export class BegunRestores {
  /** @param folder in the agent's state */
  constructor(private readonly folder: string) {}

  /** Whether an earlier attempt of this job found this folder empty. */
  isTarget(jobId: string, target: Buffer): boolean {
    try {
      return fs.readFileSync(this.pathOf(jobId), 'utf8') === identityOf(target);
    } catch {
      return false;
    }
  }

  /** Nothing has been written to the target yet. */
  begin(jobId: string, target: Buffer): void {
    try {
      this.removeOld();
      fs.writeFileSync(this.pathOf(jobId), identityOf(target), { mode: 0o600 });
    } catch {
      // Then an attempt after this one takes what this one makes for somebody else's, and says so.
    }
  }

  /** Everything is restored. */
  end(jobId: string): void {
    fs.rmSync(this.pathOf(jobId), { force: true });
  }

  private removeOld(): void {
    for (const name of fs.readdirSync(this.folder)) {
      const file = path.join(this.folder, name);
      if (Date.now() - fs.statSync(file).mtimeMs > KEPT_MS) fs.rmSync(file, { force: true });
    }
  }

  private pathOf(jobId: string): string {
    return path.join(this.folder, path.basename(jobId));
  }
}

function identityOf(folder: Buffer): string {
  const { dev, ino } = fs.statSync(folder, { bigint: true });
  return `${dev} ${ino}\n`;
}
