import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';

let fleet: Fleet;
let vaultId: string;

beforeAll(async () => {
  fleet = await Fleet.start();
  vaultId = (await fleet.createVault('vault')).id;
});

afterAll(async () => {
  await fleet?.stop();
});

async function backedUp(name: string, root: string): Promise<string> {
  const job = await fleet.backUp(await fleet.protect({ name, vaultId, root }));
  expect(job.state).toMatch(/^COMPLETED/);
  return job.recoveryPoint.id;
}

async function namesIn(point: string, folder: string): Promise<string[]> {
  const data = await fleet.api.ask(
    'query B($id: ID!, $path: Path) { browseRecoveryPoint(id: $id, path: $path, first: 200) { edges { node { name } } } }',
    { id: point, path: folder },
  );
  return data.browseRecoveryPoint.edges.map(({ node }: Data) => node.name);
}

it('leaves out what the server on the same host keeps, unless it is named as a root', async () => {
  const { folder, server } = fleet;
  fs.writeFileSync(path.join(fleet.newFolder('source'), 'file'), 'content');
  // The folder counts, not its name.
  fs.mkdirSync(path.join(folder, 'server-too'));
  const point = await backedUp('parent', folder);
  const names = await namesIn(point, folder);
  expect(fs.readdirSync(folder)).toEqual(expect.arrayContaining(['server', 'stores', 'agent-1', 'source']));
  expect(names).toEqual(['server-too', 'source']);
  expect(await namesIn(point, path.join(folder, 'source'))).toEqual(['file']);

  const named = await backedUp('stores', server.storeRoot);
  expect(await namesIn(named, server.storeRoot)).toEqual(fs.readdirSync(server.storeRoot));
  expect(fs.readdirSync(server.storeRoot)).not.toEqual([]);
});
