import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import { evidenceUrl, getEvidenceJson } from "../api/calls";
import type { AlertDetail, Evidence } from "../api/types";
import { hazardName } from "../alerts/text";
import { Icon } from "../app/Icon";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { serverNow } from "../lib/clock";
import { ClipPlayer } from "./ClipPlayer";
import type { Player } from "./player";
import { bestTab, isWhole, newestOfEach, tabsOf, type EvidenceSet, type Tab } from "./select";
import { parseTelemetry } from "./telemetry";
import { TelemetryChart } from "./TelemetryChart";
import { clipStartSeconds, parseTrackDocument } from "./track";
import { Waiting } from "./Waiting";

interface EvidenceViewerProps {
  alert: AlertDetail;
  videoRef: RefObject<HTMLVideoElement | null>;
  player: Player;
  overlay: boolean;
  onOverlay: () => void;
}

export function EvidenceViewer({ alert, videoRef, player, overlay, onOverlay }: EvidenceViewerProps): ReactNode {
  const { t } = useTranslation();
  const files = useMemo(() => newestOfEach(alert.evidence), [alert.evidence]);
  const tabs = tabsOf(alert, files);
  const [chosen, setChosen] = useState<Tab | null>(null);
  const tab = chosen !== null && tabs.includes(chosen) ? chosen : bestTab(tabs, files);

  return (
    <section className="viewer" aria-label={t("evidence.label")}>
      <div className="viewer-bar">
        <div className="tabs" role="tablist" aria-label={t("evidence.tabs")}>
          {tabs.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              className="tab"
              id={`tab-${name}`}
              aria-selected={tab === name}
              aria-controls="evidence-panel"
              onClick={() => setChosen(name)}
            >
              {t(`evidence.${name}`)}
              {isWhole(files[name]) ? null : <span className="tab-pending" aria-hidden="true" />}
            </button>
          ))}
        </div>
        {tab === "telemetry" ? null : (
          <button
            type="button"
            className="chip-button"
            data-testid="overlay-toggle"
            aria-pressed={overlay}
            aria-keyshortcuts="O"
            title={t("evidence.overlayHint")}
            onClick={onOverlay}
          >
            <Icon name="overlay" size={16} />
            {t("evidence.overlay")}
            <kbd aria-hidden="true">O</kbd>
          </button>
        )}
      </div>
      <div id="evidence-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "clip" ? <Clip alert={alert} files={files} videoRef={videoRef} player={player} overlay={overlay} /> : null}
        {tab === "snapshot" ? <Snapshot alert={alert} files={files} overlay={overlay} /> : null}
        {tab === "telemetry" ? <Readings alert={alert} file={files.telemetry} /> : null}
      </div>
    </section>
  );
}

interface PanelProps {
  alert: AlertDetail;
  files: EvidenceSet;
  overlay: boolean;
}

/** Evidence is named by its content: once read it never changes. */
function useEvidenceJson(file: Evidence | null): unknown {
  const whole = isWhole(file);
  const query = useQuery({
    queryKey: ["evidence", file?.sha256 ?? ""],
    queryFn: () => getEvidenceJson(file?.sha256 ?? ""),
    enabled: whole,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return query.data;
}

type ClipProps = PanelProps & Pick<EvidenceViewerProps, "videoRef" | "player">;

function Clip({ alert, files, videoRef, player, overlay }: ClipProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const json = useEvidenceJson(files.track);
  const clip = files.clip;
  const captured = clip?.captured_at;
  const trace = useMemo(() => {
    const document = parseTrackDocument(json);
    if (document === null || captured === undefined) return null;
    return { tracks: document.tracks, clipStart: clipStartSeconds(document, captured) };
  }, [json, captured]);

  if (!isWhole(clip)) {
    return (
      <Waiting
        title={t("evidence.waiting")}
        hint={t("evidence.waitingHint")}
        evidence={clip}
      />
    );
  }
  const label = t("evidence.snapshotAlt", {
    hazard: hazardName(alert, language),
    source: alert.source_name,
    time: formatMoment(clip.captured_at, language, serverNow()),
  });
  const src = evidenceUrl(clip.sha256);
  return (
    <ClipPlayer key={clip.sha256} src={src} videoRef={videoRef} player={player} trace={trace} overlay={overlay} label={label} />
  );
}

function Snapshot({ alert, files, overlay }: PanelProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const drawn = overlay && isWhole(files.overlay);
  const file = drawn ? files.overlay : files.snapshot;
  if (!isWhole(file)) {
    return <Waiting title={t("evidence.waitingPicture")} hint={t("evidence.noneYetHint")} evidence={file} />;
  }
  const words = {
    hazard: hazardName(alert, language),
    source: alert.source_name,
    time: formatMoment(file.captured_at, language, serverNow()),
  };
  return (
    <div className="stage">
      <img
        data-testid="snapshot"
        data-overlay={drawn}
        src={evidenceUrl(file.sha256)}
        alt={t(drawn ? "evidence.overlayAlt" : "evidence.snapshotAlt", words)}
      />
      {file.redacted ? <span className="stage-note">{t("evidence.redacted")}</span> : null}
    </div>
  );
}

function Readings({ alert, file }: { alert: AlertDetail; file: Evidence | null }): ReactNode {
  const { t } = useTranslation();
  const telemetry = parseTelemetry(useEvidenceJson(file));
  if (telemetry === null) {
    return <Waiting title={t("evidence.waitingReadings")} hint={t("evidence.noneYetHint")} evidence={file} />;
  }
  return <TelemetryChart telemetry={telemetry} startedAt={alert.opened_at} />;
}
