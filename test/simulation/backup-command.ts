import { uuidToBytes } from '@holdfast/core/ids';
import type { BackupCommand, BackupType, JobRef } from '../../agent/src/jobs/job.js';
import type { TestDomain } from '../../server/src/gateway/testing/uploader.fixture.js';
import type { SimulatedCatalog } from './simulated-control.js';

export const CHUNKER = { minBytes: 16 * 1024, normalBytes: 64 * 1024, maxBytes: 256 * 1024 };
const ITEM_ID = '01901234-5678-7abc-8def-00000000000b';

interface Asked {
  readonly domain: TestDomain;
  readonly catalog: SimulatedCatalog;
  readonly source: { readonly folder: string };
  readonly type: BackupType;
  readonly lease: JobRef;
}

/** What control tells the agent to back up. */
export function backupCommand({
  domain: { id, vaultId, domain, secret },
  catalog,
  source,
  type,
  lease,
}: Asked): BackupCommand {
  const points = catalog.recorded();
  return {
    kind: 'backup',
    job: lease,
    vaultId: uuidToBytes(vaultId),
    itemId: ITEM_ID,
    domain: {
      domainId: uuidToBytes(id),
      kemId: domain.kemId,
      publicKey: domain.publicKey,
      idKey: secret.idKey,
      chunkerKey: secret.chunkerKey,
      chunker: CHUNKER,
    },
    type,
    files: { roots: [Buffer.from(source.folder)], include: [], exclude: [], oneFileSystem: false },
    lastPointId: points.at(-1),
    lastFullPointId: points.findLast((point) => catalog.factsOf(point).type === 'FULL'),
    cacheGeneration: 1n,
    expectedBytes: 0,
    expectedEntries: 0,
  };
}
