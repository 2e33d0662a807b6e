import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** What a page shows before its data is there, or instead of it. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }): ReactNode {
  const { t } = useTranslation();
  if (query.data !== undefined) return children(query.data);
  if (!query.isError) return <p className="empty faint">{t("common.loading")}</p>;
  return (
    <div className="empty" role="alert">
      <p>{t("admin.failed")}</p>
      <button type="button" className="button" onClick={() => void query.refetch()}>
        {t("common.retry")}
      </button>
    </div>
  );
}
