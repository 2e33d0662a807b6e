import type { ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";

import { Icon, type IconName } from "../app/Icon";
import { ClipOverlay } from "./ClipOverlay";
import type { Player } from "./player";
import type { Track } from "./track";

interface ClipPlayerProps {
  src: string;
  videoRef: RefObject<HTMLVideoElement | null>;
  player: Player;
  /** What the detector saw, and the media time of the clip's first frame; null until both are known. */
  trace: { tracks: readonly Track[]; clipStart: number } | null;
  overlay: boolean;
  label: string;
}

export function ClipPlayer({ src, videoRef, player, trace, overlay, label }: ClipPlayerProps): ReactNode {
  const { t } = useTranslation();
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
          <ClipOverlay videoRef={videoRef} tracks={trace.tracks} clipStart={trace.clipStart} />
        ) : null}
        {player.broken ? (
          <p className="stage-message" role="alert">
            {t("evidence.broken")}{" "}
            <a href={src} download>
              {t("evidence.download")}
            </a>
          </p>
        ) : null}
      </div>
      <ClipControls player={player} />
    </div>
  );
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
