/** What a GraphQL door answered, as a test reads it: by paths, each checked on the way. */
export interface AnswerError {
  readonly message: string;
  readonly path?: readonly string[];
  readonly extensions: { readonly code: string; readonly reason?: string; readonly field?: string };
}

export class Answer {
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly data: unknown,
    readonly errors: readonly AnswerError[],
  ) {}

  /** What stands at a path like `regions.edges.0.node`. Throws when the way to it is not there. */
  value(path: string): unknown {
    return path.split('.').reduce((value, name) => this.step(value, name, path), this.data);
  }

  text(path: string): string {
    const value = this.value(path);
    if (typeof value !== 'string') throw new Error(`${path} is no text: ${JSON.stringify(value)}`);
    return value;
  }

  /** The nodes of a connection. The caller says what its query asked of each. */
  nodes<Node>(connection: string): Node[] {
    const edges = this.value(`${connection}.edges`);
    if (!Array.isArray(edges)) throw new Error(`${connection} is no connection`);
    return edges.map(({ node }: { node: Node }) => node);
  }

  private step(value: unknown, name: string, path: string): unknown {
    if (typeof value !== 'object' || value === null || !(name in value))
      throw new Error(`there is no ${path} in ${JSON.stringify({ data: this.data, errors: this.errors })}`);
    return (value as Readonly<Record<string, unknown>>)[name];
  }
}
