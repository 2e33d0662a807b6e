import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertDetail } from "../api/types";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { useNow } from "../lib/useNow";

/** A lease that goes on tells nobody anything; the audit log has it. */
const PROLONGED = "renewed";

/** What happened to the alert, the latest first. */
export function History({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  const entries = alert.history.filter(({ action }) => action !== PROLONGED).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return (
    <section className="history" aria-labelledby="history-title" data-testid="history">
      <h3 id="history-title">{t("detail.history")}</h3>
      <ol>
        {entries.map((entry, index) => (
          <li key={index}>
            <time dateTime={entry.at}>{formatMoment(entry.at, language, now)}</time>
            <span className="history-who">{entry.who}</span>
            <span>{(language === "zh" ? entry.text_zh : entry.text_en) || entry.action}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
