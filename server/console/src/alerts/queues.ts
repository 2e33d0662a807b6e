import type { Queue } from "../api/types";

/** Queues that have work somewhere below them, parents before children, each with its depth. */
export function treeOrder(queues: readonly Queue[]): { queue: Queue; depth: number }[] {
  const known = new Set(queues.map(({ code }) => code));
  const children = new Map<string, Queue[]>();
  const roots: Queue[] = [];
  for (const queue of queues) {
    if (queue.parent === null || !known.has(queue.parent)) roots.push(queue);
    else children.set(queue.parent, [...(children.get(queue.parent) ?? []), queue]);
  }
  const rows: { queue: Queue; depth: number }[] = [];
  const visit = (queue: Queue, depth: number): void => {
    rows.push({ queue, depth });
    for (const child of [...(children.get(queue.code) ?? [])].sort(byCode)) visit(child, depth + 1);
  };
  for (const root of [...roots].sort(byCode)) visit(root, 0);
  return rows;
}

function byCode(a: Queue, b: Queue): number {
  return a.code.localeCompare(b.code);
}

/** Open alerts of each queue and all below it. */
export function totalsBelow(queues: readonly Queue[]): ReadonlyMap<string, number> {
  const byParent = new Map(queues.map((queue) => [queue.code, queue]));
  const totals = new Map<string, number>();
  for (const queue of queues) {
    const seen = new Set<string>();
    let at: Queue | undefined = queue;
    while (at !== undefined && !seen.has(at.code)) {
      seen.add(at.code);
      totals.set(at.code, (totals.get(at.code) ?? 0) + queue.open);
      at = at.parent === null ? undefined : byParent.get(at.parent);
    }
  }
  return totals;
}
