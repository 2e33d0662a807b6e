import { useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { evidenceUrl } from "../api/calls";
import type { AlertDetail, Evidence } from "../api/types";
import { Boundary } from "../app/Boundary";
import { isWhole, timelinesOf } from "../evidence/select";
import { formatBytes, Waiting } from "../evidence/Waiting";
import { useLanguage } from "../i18n";
import { formatClock } from "../lib/time";
import { useNow } from "../lib/useNow";
import { faultText, signalFacts, whereText } from "./detail";
import { LampChart } from "./LampChart";
import { lastedSeconds } from "./repaired";
import { Stills } from "./Stills";
import { stillGroups } from "./stills";
import { useTimeline } from "./useTimeline";
import { headName } from "./words";

/** What a fault of signals is, and what proves it: stills of the heads, and when which lamp was lit. */
export function SignalPanel({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const files = useMemo(() => timelinesOf(alert.evidence), [alert.evidence]);
  const [chosen, setChosen] = useState<string | null>(null);
  const file = files.find(({ sha256 }) => sha256 === chosen) ?? files.find(isWhole) ?? files[0] ?? null;
  const found = useTimeline(file);
  const heads = found.state === "shown" ? found.timeline.heads : NO_HEADS;
  const groups = useMemo(() => stillGroups(alert.evidence, heads.map(({ id }) => id)), [alert.evidence, heads]);
  const nameOf = (id: string): string => {
    const head = heads.find((candidate) => candidate.id === id);
    return head === undefined ? id : headName(head);
  };
  return (
    <div className="signal-panel" data-testid="signal-panel">
      <Headline alert={alert} nameOf={nameOf} />
      <Stills groups={groups} nameOf={nameOf} repairedAt={alert.repaired_at} />
      {files.length < 2 ? null : (
        <label className="signal-choice">
          {t("signal.timeline.choose")}{" "}
          <select className="select" value={file?.sha256 ?? ""} onChange={(event) => setChosen(event.target.value)}>
            {files.map(({ sha256, captured_at }) => (
              <option key={sha256} value={sha256}>
                {t("signal.timeline.from", { time: formatClock(Date.parse(captured_at), language, true) })}
              </option>
            ))}
          </select>
        </label>
      )}
      {found.state === "waiting" ? <Waiting title={t("signal.timeline.waiting")} hint={t("evidence.noneYetHint")} evidence={file} /> : null}
      {found.state === "loading" ? (
        <p className="faint" role="status">
          {t("signal.timeline.loading")}
        </p>
      ) : null}
      {found.state === "fault" && file !== null ? <Fault file={file} fault={found.fault} /> : null}
      {found.state === "shown" ? (
        <Boundary key={file?.sha256} message={t("signal.timeline.fault.notTimeline")} action={t("common.reload")}>
          <LampChart timeline={found.timeline} />
        </Boundary>
      ) : null}
    </div>
  );
}

const NO_HEADS: readonly [] = [];

function Headline({ alert, nameOf }: { alert: AlertDetail; nameOf: (id: string) => string }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  const facts = signalFacts(alert.detail);
  if (facts === null) return null;
  return (
    <p className="signal-headline" data-testid="signal-headline">
      <strong>{whereText(facts, t, language, nameOf)}</strong>
      <span>{faultText(alert.hazard, facts, lastedSeconds(alert, now), t, language)}</span>
    </p>
  );
}

function Fault({ file, fault }: { file: Evidence; fault: "failed" | "tooLarge" | "notTimeline" | "newer" | "empty" | "tooLong" }): ReactNode {
  const { t } = useTranslation();
  return (
    <p className="signal-fault" role="alert" data-testid="timeline-fault">
      {t(`signal.timeline.fault.${fault}`, { size: formatBytes(file.bytes) })}{" "}
      <a href={evidenceUrl(file.sha256)} download>
        {t("signal.timeline.download")}
      </a>
    </p>
  );
}
