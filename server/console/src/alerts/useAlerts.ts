import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { listAlerts } from "../api/calls";
import type { AlertPage, AlertSummary, Queue } from "../api/types";
import { arrivals } from "../live/arrivals";
import { useLiveHub } from "../live/LiveContext";
import { appendPage, applyChanges, compareAlerts, matches, withDescendants, type ListFilter, type Openness } from "./list";

const PAGE = 100;
/** How often a snapshot may be outrun by a storm before the next live change is trusted to mend it. */
const SNAPSHOT_TRIES = 3;

export interface AlertsView {
  alerts: AlertSummary[];
  loading: boolean;
  failed: boolean;
  hasMore: boolean;
  loadMore: () => Promise<void>;
  retry: () => void;
}

/** The alerts of a queue, kept up to date by the live changes. */
export function useAlerts(openness: Openness, queue: string | null, queues: readonly Queue[]): AlertsView {
  const client = useQueryClient();
  const hub = useLiveHub();
  const filter = useMemo<ListFilter>(
    () => ({ openness, queue, queues: withDescendants(queues, queue) }),
    [openness, queue, queues],
  );
  const key = useMemo(() => ["alerts", openness, queue ?? ""], [openness, queue]);

  const query = useQuery({
    queryKey: key,
    meta: { filter },
    enabled: hub !== null,
    // What came by the stream since the snapshot was asked for is laid over it: no gap, whichever arrives first.
    queryFn: async (): Promise<AlertPage> => {
      for (let attempt = 1; ; attempt += 1) {
        const page = await fetchPage(filter);
        const missed = hub?.recent.since(page.cursor) ?? null;
        if (missed !== null) return applyChanges(page, missed, filter);
        if (attempt === SNAPSHOT_TRIES) return page;
      }
    },
  });

  const data = query.data;
  const alerts = useMemo(
    () => (data === undefined ? [] : [...data.alerts].sort(compareAlerts(openness))),
    [data, openness],
  );

  return {
    alerts,
    loading: query.isPending,
    failed: query.isError && data === undefined,
    hasMore: data?.next != null,
    loadMore: async () => {
      if (data?.next == null) return;
      const further = await fetchPage(filter, data.next);
      client.setQueryData<AlertPage>(key, (page) => (page === undefined ? page : appendPage(page, further)));
    },
    retry: () => void query.refetch(),
  };
}

/** Empty pages of a queue with others below it are passed over, up to this many. */
const PAGES_AT_ONCE = 10;

/**
 * A page of what the filter shows. The server lists one queue or the whole area; a queue together with those below it
 * is picked out of the latter.
 */
async function fetchPage(filter: ListFilter, from?: string): Promise<AlertPage> {
  const alone = filter.queue !== null && filter.queues.size === 1;
  const found: AlertSummary[] = [];
  let before = from;
  for (let count = 1; ; count += 1) {
    const page = await listAlerts({
      state: filter.openness,
      limit: PAGE,
      ...(alone && filter.queue !== null ? { queue: filter.queue } : {}),
      ...(before === undefined ? {} : { before }),
    });
    arrivals.know(page.alerts);
    found.push(...page.alerts.filter((alert) => matches(alert, filter)));
    if (found.length > 0 || page.next === null || count === PAGES_AT_ONCE) return { ...page, alerts: found };
    before = page.next;
  }
}
