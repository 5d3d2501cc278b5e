import type { BuiltNode, ChunkHasher } from '@holdfast/core/engine';
import { FileBuilder, NodeWriter } from '@holdfast/core/engine';
import type { NamedExtent } from './lanes/file-result.js';
import type { StoredContent } from './stored-content.js';

/** Makes nodes, and remembers the last: a file's own. */
export class NodeMaker {
  readonly writer: NodeWriter;
  last: BuiltNode | undefined;

  constructor(hasher: ChunkHasher, chunkerKey: Buffer, sink: (node: BuiltNode) => void) {
    this.writer = new NodeWriter(hasher, chunkerKey, (node) => {
      this.last = node;
      sink(node);
    });
  }
}

/** Puts a file's extents together, in order, into what its entry refers to. */
export class FileAssembly {
  private first: NamedExtent | undefined;
  private builder: FileBuilder | undefined;

  constructor(private readonly nodes: NodeMaker) {}

  add(extent: NamedExtent): void {
    if (this.first === undefined) {
      this.first = extent;
      return;
    }
    if (this.builder === undefined) {
      this.builder = new FileBuilder(this.nodes.writer);
      this.builder.add(this.first);
    }
    this.builder.add(extent);
  }

  /** Nothing for a file of holes alone, or an empty one. */
  finish(size: number): StoredContent | undefined {
    const { first, nodes } = this;
    if (first === undefined) return undefined;
    if (this.builder === undefined && first.offset === 0 && first.length === size)
      return { kind: 'chunk', id: first.id, claim: first.claim };
    if (this.builder === undefined) {
      this.builder = new FileBuilder(nodes.writer);
      this.builder.add(first);
    }
    const ref = this.builder.finish(size);
    if (ref?.kind !== 'node' || nodes.last === undefined) throw new TypeError('content without a claim');
    return { ...ref, claim: nodes.last.claim };
  }
}
