import 'reflect-metadata';
import { domainName } from '@holdfast/core/engine';
import { systemRandom } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayScene } from '../testing/grpc/gateway-scene.fixture.js';

let scene: GatewayScene;
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(() => scene.stop());

describe("control's objects at a gateway", () => {
  it("makes a vault's folder with its first descriptor only, and keeps what control stored", async () => {
    const vault = scene.newVault();
    const name = domainName(systemRandom.bytes(16));
    await expect(scene.asControl.putObject(vault, name, Buffer.from('too early'))).rejects.toMatchObject({
      kind: 'Unavailable',
      code: 'STORE_MISSING',
    });
    expect(await scene.asControl.putObject(vault, 'descriptor/0000000000000001', Buffer.from('first'))).toBe(true);
    expect(await scene.asControl.putObject(vault, 'descriptor/0000000000000001', Buffer.from('second'))).toBe(false);
    expect((await scene.asControl.getObject(vault, 'descriptor/0000000000000001')).toString()).toBe('first');
    await expect(scene.asControl.getObject(vault, name)).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('serves control nothing but its own kinds of objects, in no store outside the given folders', async () => {
    const { folder, vault } = scene;
    for (const name of [`pack/${'0'.repeat(32)}`, 'index/0000000000000001', '../../etc/passwd', 'descriptor/1', '']) {
      await expect(scene.asControl.putObject(vault, name, Buffer.alloc(1))).rejects.toMatchObject({
        kind: 'Forbidden',
      });
    }
    for (const storeUrl of [
      `local:${folder}/elsewhere`,
      `local:${folder}/stores/../elsewhere`,
      'local:relative',
      's3://bucket',
      `local:${folder}/stores-of-another`,
    ]) {
      const other = scene.newVault(storeUrl);
      await expect(
        scene.asControl.putObject(other, 'descriptor/0000000000000001', Buffer.alloc(1)),
      ).rejects.toMatchObject({
        kind: 'Validation',
        code: 'STORE_URL',
      });
    }
  });
});
