import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';

const WORKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'];

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
});

afterAll(async () => {
  await fleet?.stop();
});

describe("an agent's bandwidth limits", () => {
  it('are set from the command line, and read there and in the API', async () => {
    const { token } = await fleet.api.mutate('signIn', { ...fleet.administrator }, 'token');
    const holdfast = async (...args: string[]): Promise<unknown> => {
      const environment = { HOLDFAST_SERVER: fleet.server.addresses.http, HOLDFAST_TOKEN: token };
      const { code, stdout, stderr } = await runProgram('holdfast', [...args, '--json'], environment);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const name = fleet.agent().name;
    await holdfast('agent', 'limit', name, '--upload', '10MB/s');
    const during = ['--during', 'mon-fri 08:00-18:00 Europe/Berlin'];
    const set = await holdfast('agent', 'limit', name, '--upload', '16Mbit/s', '--download', '1MB/s', ...during);
    const bandwidth = {
      uploadBytesPerSecond: '10000000',
      downloadBytesPerSecond: null,
      windows: [
        {
          weekdays: WORKDAYS,
          from: '08:00',
          to: '18:00',
          timeZone: 'Europe/Berlin',
          uploadBytesPerSecond: '2000000',
          downloadBytesPerSecond: '1000000',
        },
      ],
    };
    expect(set).toMatchObject({ name, bandwidth });
    expect(await holdfast('agent', 'limit', name)).toMatchObject({ bandwidth });
    const query =
      'query A($id: ID!) { agent(id: $id) { bandwidth { uploadBytesPerSecond downloadBytesPerSecond windows { weekdays from to timeZone uploadBytesPerSecond downloadBytesPerSecond } } } }';
    expect(await fleet.api.ask(query, { id: fleet.agent().id })).toEqual({ agent: { bandwidth } });
    expect(await holdfast('agent', 'limit', name, '--upload', 'none')).toMatchObject({
      bandwidth: { ...bandwidth, uploadBytesPerSecond: null },
    });
    expect(await holdfast('agent', 'limit', name, '--clear')).toMatchObject({
      bandwidth: { uploadBytesPerSecond: null, downloadBytesPerSecond: null, windows: [] },
    });
  });
});
