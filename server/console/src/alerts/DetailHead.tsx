import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertDetail } from "../api/types";
import { Icon } from "../app/Icon";
import { useLanguage } from "../i18n";
import { formatAge, formatShortMoment, secondsSince } from "../lib/time";
import { useNow } from "../lib/useNow";
import { SceneHeadline } from "../scene/SceneHeadline";
import { isGone, lastedSeconds } from "../signals/repaired";
import { DrillMark } from "./DrillMark";
import { RemarkBadges } from "./RemarkBadges";
import { continuationOf, remarksOf } from "./remarks";
import { SeverityMark } from "./SeverityMark";
import { hazardName, queueName } from "./text";

interface DetailHeadProps {
  alert: AlertDetail;
  position: { index: number; count: number } | null;
  onBack: () => void;
  onStep: (step: 1 | -1) => void;
}

/** When it worked again and how long that took: said above everything else. */
function Repaired({ alert, now }: { alert: AlertDetail; now: number }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  if (alert.repaired_at == null) return null;
  const gone = isGone(alert);
  const time = formatShortMoment(alert.repaired_at, language, now);
  const age = formatAge(lastedSeconds(alert, now), language);
  return (
    <p className="repaired" data-testid="repaired" title={t(gone ? "structure.overHint" : "signal.repairedHint")}>
      <Icon name="check" size={16} />
      <strong>{t(gone ? "structure.overAt" : "signal.repaired", { time })}</strong>
      <span>{t(gone ? "structure.overAfter" : "signal.repairedAfter", { age })}</span>
    </p>
  );
}

export function DetailHead({ alert, position, onBack, onStep }: DetailHeadProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  return (
    <header className={`detail-head edge-${alert.severity}`}>
      <button type="button" className="icon-button back-button" aria-label={t("common.back")} data-testid="back" onClick={onBack}>
        <Icon name="back" size={22} />
      </button>
      <div className="detail-title">
        <h2>
          <SeverityMark severity={alert.severity} words />
          {alert.canary == null ? null : <DrillMark />}
          <span>{hazardName(alert, language)}</span>
          {alert.tier === "review" ? <span className="badge">{t("list.review")}</span> : null}
          <RemarkBadges remarks={[...remarksOf(alert), ...continuationOf(alert.media_episodes)]} />
        </h2>
        <Repaired alert={alert} now={now} />
        <SceneHeadline alert={alert} />
        <p>
          <span>{queueName(alert, language)}</span>
          <span className="faint"> · {alert.source_name || alert.source_id}</span>
          <span className="faint"> · {t("list.age", { age: formatAge(secondsSince(alert.opened_at, now), language) })}</span>
        </p>
      </div>
      {position === null ? null : (
        <div className="detail-step">
          <button type="button" className="icon-button" aria-label={t("help.keys.previous")} aria-keyshortcuts="K" onClick={() => onStep(-1)}>
            <kbd aria-hidden="true">K</kbd>
          </button>
          <span className="faint" aria-label={t("detail.position", position)}>
            {position.index}/{position.count}
          </span>
          <button type="button" className="icon-button" aria-label={t("help.keys.next")} aria-keyshortcuts="J" onClick={() => onStep(1)}>
            <kbd aria-hidden="true">J</kbd>
          </button>
        </div>
      )}
    </header>
  );
}
