import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account, AlertDetail } from "../api/types";
import { useRoute } from "../app/route";
import { useLanguage } from "../i18n";
import { formatAge, formatMoment, secondsSince } from "../lib/time";
import { useNow } from "../lib/useNow";
import { useGridNames } from "../map/useGrids";
import { arrivals } from "../live/arrivals";
import { signalFacts, signalMeasurements } from "../signals/detail";
import { isGone, lastedSeconds } from "../signals/repaired";
import { isSignal } from "../evidence/select";
import { confidencePercent } from "./confidence";
import { drillSteps } from "./drill";
import { measurements } from "./measurements";
import { newestModel } from "./model";
import { placeName, queueName } from "./text";

/** Enough to tell any two models apart; the whole is in the title. */
const HASH_SHOWN = 12;

/** What is known about the alert, in the order in which it is asked for. */
export function Facts({ alert, account }: { alert: AlertDetail; account: Account }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  const nameOf = useGridNames(language);
  const { location } = alert;
  const method = t(`method.${location.method as "camera"}`, { defaultValue: location.method });
  const height = location.height_m;
  const [lon, lat] = location.point.coordinates;
  const signal = isSignal(alert) ? signalFacts(alert.detail) : null;
  const measured = signal === null ? measurements(alert, t, language) : signalMeasurements(signal, t, language);
  return (
    <section className="facts" aria-labelledby="facts-title">
      <h3 id="facts-title">{t("detail.facts")}</h3>
      <Confidence value={alert.confidence} />
      <dl>
        {alert.unit === null ? null : <Fact label={t("detail.unit")}>{placeName(alert.unit, language)}</Fact>}
        <Fact label={t("detail.queue")}>
          {queueName(alert, language)} <code>{alert.queue}</code>
        </Fact>
        {alert.border_queues.length === 0 ? null : (
          <Fact label={t("detail.borderWith")}>{alert.border_queues.map(nameOf).join(language === "zh" ? "、" : ", ")}</Fact>
        )}
        {alert.matter === null ? null : (
          <Fact label={t("detail.matter")}>
            {placeName(alert.matter, language)} <code>{alert.matter.code}</code>
          </Fact>
        )}
        {drillSteps(alert, arrivals.arrivedAt(alert.id)).map(({ step, seconds }) => (
          <Fact key={step} label={t(`drill.${step}`)}>
            {t("drill.after", { seconds: seconds.toFixed(1) })}
          </Fact>
        ))}
        {measured.map(({ label, value }) => (
          <Fact key={label} label={label}>
            {value}
          </Fact>
        ))}
        <Fact label={t("detail.started")}>
          {formatMoment(alert.opened_at, language, now)}
          <span className="faint"> · {t("list.age", { age: formatAge(secondsSince(alert.opened_at, now), language) })}</span>
        </Fact>
        <Fact label={t(alert.ended_at === null ? "detail.observed" : "detail.ended")}>
          {formatMoment(alert.ended_at ?? alert.observed_at, language, now)}
          <span className="faint"> · {t(`phase.${alert.phase as "opened"}`, { defaultValue: alert.phase })}</span>
        </Fact>
        {alert.repaired_at == null ? null : (
          <Fact label={t(isGone(alert) ? "structure.change.removed" : "signal.facts.repaired")}>
            {formatMoment(alert.repaired_at, language, now)}
            <span className="faint"> · {t(isGone(alert) ? "structure.overAfter" : "signal.repairedAfter", { age: formatAge(lastedSeconds(alert, now), language) })}</span>
          </Fact>
        )}
        <Fact label={t("detail.accuracy")}>
          {t("detail.accuracyValue", { metres: Math.round(location.accuracy_m), method })}
          <br />
          <code>
            {lat.toFixed(5)}, {lon.toFixed(5)}
          </code>
        </Fact>
        {height == null ? null : (
          <Fact label={t("detail.height")}>
            {t("detail.heightValue", { low: height[0].toFixed(0), high: height[1].toFixed(0) })}
          </Fact>
        )}
        <Fact label={t("detail.source")}>
          {alert.source_name || alert.source_id} <code>{alert.source_id}</code>
        </Fact>
        <Fact label={t("detail.device")}>
          <code>{alert.device_id}</code>
        </Fact>
        <Model alert={alert} />
        <Fact label={t("detail.versions")}>
          <code>{alert.id}</code>
          {account.role === "admin" ? <AuditLink id={alert.id} /> : null}
        </Fact>
      </dl>
    </section>
  );
}

/** The trained weights that saw it, as of the newest episode that names any. */
function Model({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const model = newestModel(alert.media_episodes);
  if (model === null) return null;
  return (
    <Fact label={t("producer.model")}>
      {model.name} {model.version}
      {model.sha256 == null ? null : (
        <code className="hash" title={model.sha256} data-testid="model-hash">
          {model.sha256.slice(0, HASH_SHOWN)}…
        </code>
      )}
    </Fact>
  );
}

function AuditLink({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const [, navigate] = useRoute();
  return (
    <button type="button" className="text-button" onClick={() => navigate({ page: "audit", subject: `alert:${id}` })}>
      {t("detail.audit")}
    </button>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }): ReactNode {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Confidence({ value }: { value: number }): ReactNode {
  const { t } = useTranslation();
  const percent = confidencePercent(value);
  return (
    <div className="confidence" title={t("detail.confidenceHint")}>
      <span>{t("detail.confidence")}</span>
      <span className="meter" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      <strong>{percent} %</strong>
    </div>
  );
}
