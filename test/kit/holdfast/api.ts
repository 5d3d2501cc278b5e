/** GraphQL over HTTP as any script would speak it. */
export class ApiError extends Error {
  readonly code: string;
  readonly reason: string | undefined;

  constructor(message: string, code: string, reason?: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

interface Answer {
  data?: unknown;
  errors?: Array<{ message: string; extensions?: { code?: string; reason?: string } }>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads answers of any shape
export type Data = any;

export class Api {
  readonly url: string;
  readonly #token: string | undefined;

  constructor(url: string, token?: string) {
    this.url = url;
    this.#token = token;
  }

  withToken(token: string): Api {
    return new Api(this.url, token);
  }

  async ask(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as Answer;
    const [error] = answer.errors ?? [];
    if (error !== undefined) throw new ApiError(error.message, error.extensions?.code ?? '', error.extensions?.reason);
    return answer.data;
  }

  /** Calls a mutation that takes one input. `selection` is what to read of its payload. */
  async mutate(name: string, input: Record<string, unknown>, selection: string): Promise<Data> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const data = await this.ask(`mutation Call($input: ${type}!) { ${name}(input: $input) { ${selection} } }`, {
      input,
    });
    return data[name];
  }
}
