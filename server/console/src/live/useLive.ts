import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";

import { listQueues } from "../api/calls";
import { applyChanges, type ListFilter } from "../alerts/list";
import type { Account, AlertDetail, AlertPage, AlertSummary } from "../api/types";
import { serverNow } from "../lib/clock";
import { SESSION_KEY } from "../session/useSession";
import { arrivals } from "./arrivals";
import { LiveHub } from "./hub";
import type { Change } from "./types";

export const QUEUES_KEY = ["queues"] as const;

/** Counts of queues are fetched anew at most this often while alerts change. */
const COUNTS_MS = 1_000;

/**
 * Follows the changes of the account's area from the first snapshot on and lays them over every cached list.
 * `onArrivals` is told of open alerts that were never seen before.
 */
export function useLive(account: Account, onArrivals: (alerts: AlertSummary[]) => void): LiveHub | null {
  const client = useQueryClient();
  const queues = useQuery({ queryKey: QUEUES_KEY, queryFn: listQueues });
  const firstCursor = useFirst(queues.data?.cursor);
  const hub = useMemo(
    () => (firstCursor === null ? null : new LiveHub(String(account.id), firstCursor)),
    [account.id, firstCursor],
  );
  const announce = useEffectEvent(onArrivals);

  useEffect(() => {
    if (hub === null) return;
    const counts = throttled(() => void client.invalidateQueries({ queryKey: QUEUES_KEY }), COUNTS_MS);
    hub.open({
      onChanges: (changes) => {
        spread(client, changes);
        counts.call();
        const arrived = arrivals.take(changes, serverNow());
        if (arrived.length > 0) announce(arrived);
      },
      onReset: () => void client.invalidateQueries({ predicate: isOfServer }),
    });
    const unsubscribe = hub.subscribeStatus(() => {
      if (hub.getStatus().state === "ended") client.setQueryData(SESSION_KEY, null);
    });
    return () => {
      unsubscribe();
      counts.cancel();
      hub.close();
    };
  }, [client, hub]);

  return hub;
}

/** Everything but who is signed in may have changed unnoticed. */
function isOfServer({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[0] !== SESSION_KEY[0];
}

/** The first value that is there; later ones do not replace it. */
function useFirst(value: number | undefined): number | null {
  const [first, setFirst] = useState<number | null>(value ?? null);
  if (first === null && value !== undefined) setFirst(value);
  return first;
}

/** Lays changes over the lists and details in the cache. A detail has more than a change tells: it is fetched anew. */
function spread(client: QueryClient, changes: Change[]): void {
  for (const query of client.getQueryCache().findAll({ queryKey: ["alerts"] })) {
    const filter = query.meta?.["filter"] as ListFilter | undefined;
    const page = query.state.data as AlertPage | undefined;
    if (filter === undefined || page === undefined) continue;
    const next = applyChanges(page, changes, filter);
    if (next !== page) client.setQueryData(query.queryKey, next);
  }
  for (const { alert } of changes) {
    const key = ["alert", alert.id];
    const detail = client.getQueryData<AlertDetail>(key);
    if (detail === undefined || detail.version > alert.version) continue;
    client.setQueryData<AlertDetail>(key, { ...detail, ...alert });
    void client.invalidateQueries({ queryKey: key });
  }
}

/** Calls at once, then at most once in `milliseconds`, with a last call for what came meanwhile. */
function throttled(action: () => void, milliseconds: number): { call: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let again = false;
  const call = (): void => {
    if (timer !== null) {
      again = true;
      return;
    }
    action();
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        call();
      }
    }, milliseconds);
  };
  return {
    call,
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
