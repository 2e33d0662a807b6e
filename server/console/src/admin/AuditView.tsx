import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { listAudit } from "../api/calls";
import type { AuditEntry } from "../api/types";
import { useRoute } from "../app/route";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { useNow } from "../lib/useNow";
import { changedFields } from "./changes";

export function AuditView({ subject: given }: { subject: string | null }): ReactNode {
  const { t } = useTranslation();
  const [, navigate] = useRoute();
  const subject = given ?? "";
  const setSubject = (next: string): void => navigate({ page: "audit", subject: next === "" ? null : next }, "replace");
  const wanted = asSubject(subject);
  const query = useInfiniteQuery({
    queryKey: ["audit", wanted],
    initialPageParam: 0,
    queryFn: ({ pageParam }) =>
      listAudit({ ...(wanted === "" ? {} : { subject: wanted }), ...(pageParam === 0 ? {} : { after: pageParam }) }),
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <label className="field admin-filter">
        <span>{t("admin.audit.filter")}</span>
        <input className="input" data-testid="audit-subject" value={subject} onChange={(event) => setSubject(event.target.value)} />
      </label>
      {query.isError ? <p className="notice notice-bad">{t("admin.failed")}</p> : null}
      {query.isSuccess && entries.length === 0 ? <p className="empty faint">{t("admin.audit.empty")}</p> : null}
      {entries.length === 0 ? null : (
        <div className="table-scroll">
          <table className="table" data-testid="audit-table">
            <thead>
              <tr>
                <th>#</th>
                <th>{t("admin.audit.at")}</th>
                <th>{t("admin.audit.actor")}</th>
                <th>{t("admin.audit.action")}</th>
                <th>{t("admin.audit.subject")}</th>
                <th>{t("admin.audit.change")}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <AuditRow key={entry.seq} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage ? (
        <button type="button" className="button button-wide" onClick={() => void query.fetchNextPage()}>
          {t("common.loadMore")}
        </button>
      ) : null}
    </>
  );
}

/** An id alone is an alert's: that is what people have at hand. */
function asSubject(text: string): string {
  const trimmed = text.trim();
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(trimmed) ? `alert:${trimmed}` : trimmed;
}

function AuditRow({ entry }: { entry: AuditEntry }): ReactNode {
  const [language] = useLanguage();
  const now = useNow();
  return (
    <tr>
      <td className="number faint">{entry.seq}</td>
      <td className="nowrap">
        <time dateTime={entry.at}>{formatMoment(entry.at, language, now)}</time>
      </td>
      <td className="nowrap">
        <strong>{entry.actor}</strong>
      </td>
      <td className="nowrap">
        <code>{entry.action}</code>
      </td>
      <td>
        <span className="faint">{entry.subject_kind}</span> <code>{entry.subject_id}</code>
      </td>
      <td>
        {changedFields(entry.before, entry.after).map(({ field, before, after }) => (
          <div key={field} className="change">
            <span className="faint">{field}</span> {before} → <strong>{after}</strong>
          </div>
        ))}
      </td>
    </tr>
  );
}
