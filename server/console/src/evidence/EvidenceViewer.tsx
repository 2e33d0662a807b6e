import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import { evidenceUrl, getEvidenceJson } from "../api/calls";
import type { AlertDetail, Evidence } from "../api/types";
import { hazardName } from "../alerts/text";
import { Icon } from "../app/Icon";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { serverNow } from "../lib/clock";
import { SignalPanel } from "../signals/SignalPanel";
import { StructurePanel } from "../structures/StructurePanel";
import { ClipPlayer } from "./ClipPlayer";
import type { Player } from "./player";
import { pictureName, pictureWithOverlay, saveAs } from "./save";
import { bestTab, isPending, isWhole, newestOfEach, tabsOf, type EvidenceSet, type Tab } from "./select";
import { parseTelemetry } from "./telemetry";
import { TelemetryChart } from "./TelemetryChart";
import { clipStartSeconds, parseTrackDocument, type Trace } from "./track";
import { TrackOverlay } from "./TrackOverlay";
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
  const imageRef = useRef<HTMLImageElement>(null);
  const trace = useTrace(alert, files);
  const isPicture = tab === "clip" || tab === "snapshot";
  const shown = !isPicture ? null : tab === "clip" ? files.clip : files.snapshot;

  const save = (): void => {
    const media = tab === "clip" ? videoRef.current : imageRef.current;
    if (media === null || shown === null) return;
    void pictureWithOverlay(media, trace).then((blob) => {
      if (blob !== null) saveAs(blob, pictureName(alert.source_name, shown.captured_at));
    });
  };

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
              {name === "stills" ? t("structure.stills") : t(`evidence.${name}`)}
              {!isPending(files[name]) ? null : <span className="tab-pending" aria-hidden="true" />}
            </button>
          ))}
        </div>
        {!isPicture ? null : (
          <div className="viewer-tools">
            {isWhole(shown) ? (
              <button
                type="button"
                className="chip-button"
                data-testid="save-overlay"
                title={t("evidence.saveHint")}
                onClick={save}
              >
                <Icon name="download" size={16} />
                <span className="wide-only">{t("evidence.save")}</span>
              </button>
            ) : null}
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
          </div>
        )}
      </div>
      <div id="evidence-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "clip" ? (
          <Clip alert={alert} files={files} trace={trace} videoRef={videoRef} player={player} overlay={overlay} />
        ) : null}
        {tab === "snapshot" ? (
          <Snapshot alert={alert} files={files} trace={trace} imageRef={imageRef} overlay={overlay} />
        ) : null}
        {tab === "stills" ? <StructurePanel alert={alert} /> : null}
        {tab === "timeline" ? <SignalPanel alert={alert} /> : null}
        {tab === "telemetry" ? <Readings alert={alert} file={files.telemetry} /> : null}
      </div>
    </section>
  );
}

interface PanelProps {
  alert: AlertDetail;
  files: EvidenceSet;
  trace: Trace | null;
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

/** What the detector saw, as data: the one source of everything that is drawn. */
function useTrace(alert: AlertDetail, files: EvidenceSet): Trace | null {
  const [language] = useLanguage();
  const json = useEvidenceJson(files.track);
  const captured = files.clip?.captured_at;
  const { hazard } = alert;
  const name = hazardName(alert, language);
  return useMemo(() => {
    const document = parseTrackDocument(json);
    if (document === null) return null;
    const since = document.startSeconds;
    const tracks = document.tracks.map((track) => ({ ...track, label: labelOf(track.label, hazard, name), since }));
    const clipStart = captured === undefined ? document.startSeconds : clipStartSeconds(document, captured);
    return { tracks, size: document.size, clipStart };
  }, [json, captured, hazard, name]);
}

/** The edge labels a track with the hazard in English; here people read its name in their language. */
function labelOf(label: string, hazard: string, name: string): string {
  return label.replace(new RegExp(`^${hazard.replaceAll("_", "[ _]")}`), name);
}

type ClipProps = PanelProps & Pick<EvidenceViewerProps, "videoRef" | "player">;

function Clip({ alert, files, trace, videoRef, player, overlay }: ClipProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const clip = files.clip;

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
    <ClipPlayer
      key={clip.sha256}
      src={src}
      mediaType={clip.media_type}
      videoRef={videoRef}
      player={player}
      trace={trace}
      overlay={overlay}
      label={label}
      note={clip.short_seconds == null ? null : t("evidence.short", { seconds: clip.short_seconds })}
    />
  );
}

type SnapshotProps = PanelProps & { imageRef: RefObject<HTMLImageElement | null> };

function Snapshot({ alert, files, trace, imageRef, overlay }: SnapshotProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  // A box may send a picture with the drawing burnt in; where there is a track it is drawn here, over the plain one.
  const burnt = overlay && trace === null && isWhole(files.overlay);
  const file = burnt ? files.overlay : files.snapshot;
  const drawn = burnt || (overlay && trace !== null);
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
        ref={imageRef}
        data-testid="snapshot"
        data-overlay={drawn}
        src={evidenceUrl(file.sha256)}
        alt={t(drawn ? "evidence.overlayAlt" : "evidence.snapshotAlt", words)}
      />
      {overlay && trace !== null ? <TrackOverlay mediaRef={imageRef} trace={trace} testId="snapshot-overlay" /> : null}
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
