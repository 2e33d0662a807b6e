import { memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertSummary } from "../api/types";
import { Icon } from "../app/Icon";
import { useLanguage } from "../i18n";
import { formatAge, formatMoment, formatShortMoment, secondsSince } from "../lib/time";
import { useNow } from "../lib/useNow";
import { useGridNames } from "../map/useGrids";
import { isGone } from "../signals/repaired";
import { holderName, isOpen } from "./list";
import { DrillMark } from "./DrillMark";
import { RemarkBadges } from "./RemarkBadges";
import { remarksOf } from "./remarks";
import { SeverityMark } from "./SeverityMark";
import { hazardName, queueName } from "./text";

interface AlertItemProps {
  alert: AlertSummary;
  selected: boolean;
  fresh: boolean;
  /** The signed-in person's name, to tell their own lease from another's. */
  me: string;
  onSelect: (id: string) => void;
}

export const AlertItem = memo(function AlertItem({ alert, selected, fresh, me, onSelect }: AlertItemProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const remarks = remarksOf(alert);
  return (
    <li
      className={`alert-item edge-${alert.severity}${selected ? " alert-selected" : ""}${fresh ? " alert-fresh" : ""}`}
      data-testid="alert-item"
      data-alert-id={alert.id}
      data-state={alert.state}
      data-severity={alert.severity}
      data-drill={alert.canary == null ? undefined : "true"}
    >
      <button
        type="button"
        className="alert-button"
        data-space-plays="true"
        aria-current={selected ? "true" : undefined}
        onClick={() => onSelect(alert.id)}
      >
        <span className="alert-line">
          <SeverityMark severity={alert.severity} />
          {alert.canary == null ? null : <DrillMark />}
          <strong className="alert-hazard">{hazardName(alert, language)}</strong>
          {fresh ? <span className="badge badge-new">{t("list.new")}</span> : null}
          <Age alert={alert} />
        </span>
        <span className="alert-line alert-place">
          <span className="ellipsis">{queueName(alert, language)}</span>
          <Marks alert={alert} />
        </span>
        <span className="alert-line alert-source">
          <span className="faint ellipsis">{alert.source_name || alert.source_id}</span>
          <Holder alert={alert} me={me} />
        </span>
        {remarks.length === 0 ? null : (
          <span className="alert-line alert-remarks">
            <RemarkBadges remarks={remarks} />
          </span>
        )}
      </button>
    </li>
  );
});

function Age({ alert }: { alert: AlertSummary }): ReactNode {
  const now = useNow();
  const [language] = useLanguage();
  const text = isOpen(alert)
    ? formatAge(secondsSince(alert.opened_at, now), language)
    : formatMoment(alert.verdict?.at ?? alert.observed_at, language, now);
  return (
    <time className="alert-age" dateTime={alert.opened_at}>
      {text}
    </time>
  );
}

/** What sets the alert apart from others of its kind. */
function Marks({ alert }: { alert: AlertSummary }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const nameOf = useGridNames(language);
  const now = useNow();
  const border = alert.border_queues.map(nameOf).join(language === "zh" ? "、" : ", ");
  return (
    <span className="marks">
      {alert.repaired_at == null ? null : (
        <span
          className="badge badge-good"
          title={t(isGone(alert) ? "structure.overHint" : "signal.repairedHint")}
          data-testid="repaired-badge"
        >
          {t(isGone(alert) ? "structure.overShort" : "signal.repairedShort", {
            time: formatShortMoment(alert.repaired_at, language, now),
          })}
        </span>
      )}
      {alert.tier === "review" ? <span className="badge">{t("list.review")}</span> : null}
      {border === "" ? null : (
        <span className="badge" title={t("list.borderLabel", { queues: border })}>
          <Icon name="border" size={13} />
          {t("list.border")}
        </span>
      )}
      {alert.episodes > 1 ? <span className="badge">{t("list.episodes", { count: alert.episodes })}</span> : null}
      {alert.state === "unsure" ? <span className="badge badge-unsure">? {t("list.unsure")}</span> : null}
    </span>
  );
}

/** Who is at it, or who has decided. */
function Holder({ alert, me }: { alert: AlertSummary; me: string }): ReactNode {
  const { t } = useTranslation();
  const now = useNow();
  if (!isOpen(alert)) {
    return (
      <span className={`badge state-${alert.state}`}>
        {t(`state.${alert.state}`)}
        {alert.verdict === null ? "" : ` · ${alert.verdict.by}`}
      </span>
    );
  }
  const name = holderName(alert, now);
  if (name === null) return null;
  const mine = name === me;
  return (
    <span className={mine ? "badge badge-mine" : "badge badge-theirs"}>
      {mine ? t("list.claimedByMe") : t("list.claimedBy", { name })}
    </span>
  );
}
