import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";

import { getAlert, giveVerdict } from "../api/calls";
import { ApiError, isStatus } from "../api/problem";
import type { Account, AlertDetail, AlertPage, RejectReason, VerdictKind } from "../api/types";
import { isOpen } from "../alerts/list";
import { hazardName } from "../alerts/text";
import { alertKey } from "../alerts/useAlert";
import { showToast } from "../app/toasts";
import { useLanguage } from "../i18n";
import { serverNow } from "../lib/clock";
import { holderOf } from "./useClaim";

export interface Judgement {
  verdict: VerdictKind;
  reason?: RejectReason;
  comment?: string;
}

export interface VerdictAction {
  busy: boolean;
  /** True when the server has committed the verdict. */
  judge: (id: string, judgement: Judgement) => Promise<boolean>;
}

/** Sends a verdict; on a conflict says what happened and shows the alert as it is now. */
export function useVerdict(account: Account): VerdictAction {
  const client = useQueryClient();
  const { t } = useTranslation();
  const [language] = useLanguage();
  const [busy, setBusy] = useState(false);

  const explain = useCallback(
    (error: unknown, current: AlertDetail | null): string => {
      if (!(error instanceof ApiError)) return t("verdict.offline");
      if (error.status !== 409) return t("verdict.failed", { reason: error.message });
      if (current !== null && !isOpen(current)) {
        const name = current.verdict?.by ?? t("common.unknown");
        return t("verdict.decided", { state: t(`state.${current.state}`), name });
      }
      if (current !== null && holderOf(current, account, serverNow()) === "other") {
        return t("verdict.taken", { name: current.claimed_by ?? t("common.unknown") });
      }
      return t("verdict.changed");
    },
    [account, t],
  );

  const judge = useCallback(
    async (id: string, judgement: Judgement): Promise<boolean> => {
      const alert = client.getQueryData<AlertDetail>(alertKey(id));
      if (alert === undefined) return false;
      setBusy(true);
      try {
        const judged = await giveVerdict(alert.id, { version: alert.version, ...judgement });
        client.setQueryData(alertKey(alert.id), judged);
        dropFromOpenLists(client, judged);
        showToast("good", t(`verdict.done.${judgement.verdict}`, { hazard: hazardName(alert, language) }));
        return true;
      } catch (error) {
        const current = isStatus(error, 409) ? await getAlert(alert.id).catch(() => null) : null;
        if (current !== null) client.setQueryData(alertKey(alert.id), current);
        showToast("bad", explain(error, current));
        return false;
      } finally {
        setBusy(false);
      }
    },
    [client, explain, language, t],
  );

  return { busy, judge };
}

/** The answer is newer than any change that is still on its way: the judged alert leaves the open lists at once. */
function dropFromOpenLists(client: QueryClient, judged: AlertDetail): void {
  if (isOpen(judged)) return;
  client.setQueriesData<AlertPage>({ queryKey: ["alerts", "open"] }, (page) =>
    page === undefined ? page : { ...page, alerts: page.alerts.filter(({ id }) => id !== judged.id) },
  );
}
