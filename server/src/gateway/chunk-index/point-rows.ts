import { uuidToBytes } from '@holdfast/core/ids';
import type { Point, PointState } from './chunk-index.js';
import type { IndexFile } from './index-file.js';
import { POINT_STATES, required, toPoint } from './index-rows.js';

/** Points under way, and those that control has recorded. */
export class PointRows {
  constructor(private readonly file: IndexFile) {}

  save(point: Omit<Point, 'state'>): Point {
    this.file.write(() =>
      this.file.sql.insertPoint.run(uuidToBytes(point.id), uuidToBytes(point.jobId), point.root, point.signed),
    );
    return required(this.find(point.jobId, point.root));
  }

  find(jobId: string, root: Buffer): Point | undefined {
    const row = this.file.read(() => this.file.sql.pointByJob.get(uuidToBytes(jobId), root));
    return row && toPoint(row);
  }

  byId(id: string): Point | undefined {
    const row = this.file.read(() => this.file.sql.pointById.get(uuidToBytes(id)));
    return row && toPoint(row);
  }

  setState(id: string, state: PointState): void {
    this.file.write(() => this.file.sql.setPointState.run(POINT_STATES.indexOf(state), uuidToBytes(id)));
  }
}
