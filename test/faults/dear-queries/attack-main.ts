/**
 * Somebody who asks for as much as one may, in a process of its own: `attack-main.js SETTINGS` (JSON). Goes on until the process is ended;
 * how many were answered and how many refused is told once a second as a line of JSON.
 */
export interface AttackSettings {
  readonly url: string;
  readonly token: string;
  readonly query: string;
  readonly connections: number;
}

const { url, token, query, connections } = JSON.parse(process.argv[2] ?? '') as AttackSettings;
const outcomes: Record<string, number> = {};

async function askForEver(): Promise<never> {
  for (;;) {
    const outcome = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      () => 'failed',
    );
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}

setInterval(() => process.stdout.write(`${JSON.stringify(outcomes)}\n`), 1_000);
await Promise.all(Array.from({ length: connections }, askForEver));
