import type { ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";

import { Icon, type IconName } from "../app/Icon";
import type { Player } from "./player";
import type { Trace } from "./track";
import { TrackOverlay } from "./TrackOverlay";

interface ClipPlayerProps {
  src: string;
  videoRef: RefObject<HTMLVideoElement | null>;
  player: Player;
  /** With its codec: a browser that cannot play it says so before it has tried. */
  mediaType: string;
  /** What the detector saw; null until it is known. */
  trace: Trace | null;
  overlay: boolean;
  label: string;
  /** What is to be said of the clip, such as that it is short. */
  note: string | null;
}

export function ClipPlayer({ src, mediaType, videoRef, player, trace, overlay, label, note }: ClipPlayerProps): ReactNode {
  const { t } = useTranslation();
  const playable = canPlay(mediaType);
  return (
    <div className="clip">
      <div className="stage">
        <video
          ref={videoRef}
          data-testid="clip"
          src={src}
          aria-label={label}
          autoPlay
          muted
          playsInline
          preload="auto"
          loop={player.loop}
          onClick={player.toggle}
          {...player.bind}
        />
        {overlay && trace !== null ? (
          <TrackOverlay mediaRef={videoRef} trace={trace} testId="clip-overlay" />
        ) : null}
        {player.broken || !playable ? (
          <p className="stage-message" role="alert" data-testid="clip-unplayable">
            {t(playable ? "evidence.broken" : "evidence.cannotPlay", { codec: codecName(mediaType) })}{" "}
            <a href={src} download>
              {t("evidence.download")}
            </a>
          </p>
        ) : null}
      </div>
      <ClipControls player={player} />
      {note === null ? null : (
        <p className="faint" data-testid="clip-note">
          {note}
        </p>
      )}
    </div>
  );
}

/** A type without codecs cannot be judged: then the player has to try. */
function canPlay(mediaType: string): boolean {
  return !mediaType.includes("codecs=") || document.createElement("video").canPlayType(mediaType) !== "";
}

/** The codec's name as people know it. */
function codecName(mediaType: string): string {
  const codec = /codecs="([^",.]+)/.exec(mediaType)?.[1] ?? "";
  return { hvc1: "H.265", hev1: "H.265", avc1: "H.264", avc3: "H.264", av01: "AV1", vp09: "VP9" }[codec] ?? mediaType;
}

function ClipControls({ player }: { player: Player }): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="clip-controls">
      <Control
        icon={player.playing ? "pause" : "play"}
        label={t(player.playing ? "evidence.pause" : "evidence.play")}
        testId="clip-play"
        onPress={player.toggle}
      />
      <Control icon="step-back" label={t("evidence.stepBack")} testId="step-back" onPress={() => player.step(-1)} />
      <Control icon="step-forward" label={t("evidence.stepForward")} testId="step-forward" onPress={() => player.step(1)} />
      <input
        className="seek"
        type="range"
        min={0}
        max={player.length || 1}
        step={0.01}
        value={player.position}
        aria-label={t("evidence.seek")}
        aria-valuetext={`${player.position.toFixed(1)} / ${player.length.toFixed(1)} s`}
        onChange={(event) => player.seek(Number(event.target.value))}
      />
      <span className="clip-time" data-testid="clip-time">
        {player.position.toFixed(2)}
        <span className="faint"> / {player.length.toFixed(1)} s</span>
      </span>
      <button
        type="button"
        className="chip-button"
        aria-label={t("evidence.speed", { speed: player.speed })}
        data-testid="clip-speed"
        onClick={player.cycleSpeed}
      >
        {player.speed}×
      </button>
      <Control icon="loop" label={t("evidence.loop")} pressed={player.loop} testId="clip-loop" onPress={player.toggleLoop} />
    </div>
  );
}

interface ControlProps {
  icon: IconName;
  label: string;
  testId: string;
  pressed?: boolean;
  onPress: () => void;
}

function Control({ icon, label, testId, pressed, onPress }: ControlProps): ReactNode {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      data-testid={testId}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}
