import type { Change } from "./types";

/**
 * The latest changes, to be laid over a snapshot that was asked for before they came and arrived after them.
 */
export class RecentChanges {
  private readonly changes: Change[] = [];
  private forgottenTo = 0;
  private readonly capacity: number;

  constructor(capacity = 5_000) {
    this.capacity = capacity;
  }

  add(change: Change): void {
    this.changes.push(change);
    if (this.changes.length > this.capacity) {
      const forgotten = this.changes.splice(0, this.changes.length - this.capacity);
      for (const { seq } of forgotten) this.forgottenTo = Math.max(this.forgottenTo, seq);
    }
  }

  /** The changes behind `cursor`; null if some of them are no longer here and the snapshot must be taken anew. */
  since(cursor: number): Change[] | null {
    if (cursor < this.forgottenTo) return null;
    return this.changes.filter(({ seq }) => seq > cursor);
  }

  clear(): void {
    this.changes.length = 0;
    this.forgottenTo = 0;
  }
}
