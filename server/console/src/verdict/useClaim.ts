import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";

import { claimAlert, releaseAlert } from "../api/calls";
import { isStatus } from "../api/problem";
import type { Account, AlertDetail } from "../api/types";
import { alertKey, keepNewer } from "../alerts/useAlert";
import { holderName, isOpen } from "../alerts/list";
import { serverNow } from "../lib/clock";

/** A glance in passing claims nothing. */
const GLANCE_MS = 1_000;
const CHECK_MS = 5_000;
/** A lease is prolonged while the alert stays on the screen, when less than this share of it is left … */
const RENEW_BELOW_SHARE = 0.4;
/** … but not for somebody who has left the desk. */
const PRESENT_MS = 90_000;

let lastSeen = Date.now();
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  window.addEventListener(kind, () => (lastSeen = Date.now()), { passive: true, capture: true });
}

export type Holder = "nobody" | "me" | "other";

export function holderOf(
  alert: Pick<AlertDetail, "claimed_by" | "claim_expires_at">,
  account: Account,
  now: number,
): Holder {
  const name = holderName(alert, now);
  if (name === null) return "nobody";
  return name === account.display_name ? "me" : "other";
}

export interface Claiming {
  claimNow: () => void;
  /** Waits for a claim that is on its way: a verdict sent beside it would name the version before it. */
  settled: () => Promise<void>;
}

/** Claims the alert on the screen after a moment, keeps the lease while it is looked at, and gives it back. */
export function useClaim(alert: AlertDetail | undefined, account: Account): Claiming {
  const client = useQueryClient();
  const underWay = useRef<Promise<void> | null>(null);
  const leaseMs = useRef(0);
  const id = alert?.id;

  const send = async (alertId: string, version: number): Promise<void> => {
    try {
      const claimed = keepNewer(client, await claimAlert(alertId, version));
      leaseMs.current = claimed.claim_expires_at === null ? 0 : Date.parse(claimed.claim_expires_at) - serverNow();
    } catch (error) {
      // Taken or changed meanwhile: show how it stands now. Anything else is retried at the next check.
      if (isStatus(error, 409)) await client.invalidateQueries({ queryKey: alertKey(alertId) });
    }
  };
  const claim = (): void => {
    if (id === undefined || underWay.current !== null) return;
    const current = client.getQueryData<AlertDetail>(alertKey(id));
    if (current === undefined || !isOpen(current) || holderOf(current, account, serverNow()) === "other") return;
    underWay.current = send(id, current.version).finally(() => {
      underWay.current = null;
    });
  };

  const claimIfDue = (): void => {
    if (alert === undefined || !isOpen(alert)) return;
    const now = serverNow();
    const holder = holderOf(alert, account, now);
    const left = alert.claim_expires_at === null ? 0 : Date.parse(alert.claim_expires_at) - now;
    if (holder === "nobody" || (holder === "me" && left < RENEW_BELOW_SHARE * leaseMs.current)) claim();
  };
  const check = useEffectEvent(() => {
    if (!document.hidden && Date.now() - lastSeen < PRESENT_MS) claimIfDue();
  });

  const release = useEffectEvent(async (left: string) => {
    await underWay.current;
    const last = client.getQueryData<AlertDetail>(alertKey(left));
    if (last === undefined || !isOpen(last) || holderOf(last, account, serverNow()) !== "me") return;
    // Not being able to give it back is no harm: the lease runs out by itself.
    await releaseAlert(left, last.version).then(
      (released) => keepNewer(client, released),
      () => client.invalidateQueries({ queryKey: alertKey(left) }),
    );
  });

  const loaded = alert !== undefined;
  useEffect(() => {
    if (id === undefined || !loaded) return;
    const first = setTimeout(() => check(), GLANCE_MS);
    const later = setInterval(() => check(), CHECK_MS);
    return () => {
      clearTimeout(first);
      clearInterval(later);
      void release(id);
    };
  }, [id, loaded]);

  return { claimNow: claimIfDue, settled: async () => underWay.current ?? undefined };
}
