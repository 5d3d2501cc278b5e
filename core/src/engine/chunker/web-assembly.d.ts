/** As much of the global as the chunker needs: the types of Node leave it out, and those of browsers bring all of theirs. */
declare namespace WebAssembly {
  class Memory {
    constructor(bounds: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    readonly exports: Record<string, unknown>;
  }
  interface Global {
    value: unknown;
  }
}
