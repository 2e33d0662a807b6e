import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Mosaic } from "../api/types";
import { Icon } from "../app/Icon";
import { chosen, comparable, mosaicName, mosaicOf, type MosaicChoice } from "./mosaics";

interface MosaicChooserProps {
  mosaics: readonly Mosaic[];
  choice: MosaicChoice;
  onChoice: (choice: MosaicChoice) => void;
  onGo: (mosaic: Mosaic) => void;
}

/** Which flight's picture of the ground lies under the map, and with which earlier one it is compared. */
export function MosaicChooser({ mosaics, choice, onChoice, onGo }: MosaicChooserProps): ReactNode {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const panel = useId();
  const button = useRef<HTMLButtonElement>(null);
  const after = mosaicOf(mosaics, choice.after);
  const others = comparable(mosaics, after);
  const before = mosaicOf(others, choice.before);
  // Arrows on the slider are not the clip's, and Escape closes this before anything else.
  const onKey = (event: KeyboardEvent): void => {
    if (event.key.startsWith("Arrow") || event.key === "Escape") event.stopPropagation();
    if (event.key !== "Escape") return;
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className="icon-button"
        aria-label={t("mosaic.title")}
        title={t("mosaic.title")}
        aria-expanded={open}
        aria-controls={panel}
        aria-pressed={after !== null}
        data-testid="mosaic-button"
        onClick={() => setOpen(!open)}
      >
        <Icon name="layers" />
      </button>
      {open ? (
        <div
          id={panel}
          className="map-mosaics"
          role="group"
          aria-label={t("mosaic.title")}
          data-testid="mosaic-panel"
        >
          <Chooser
            label={t("mosaic.shown")}
            none={t("mosaic.none")}
            mosaics={mosaics}
            value={after}
            testId="mosaic-after"
            onKey={onKey}
            onChange={(id) => onChoice(chosen(choice, id, mosaics))}
          />
          {others.length === 0 ? null : (
            <Chooser
              label={t("mosaic.compared")}
              none={t("mosaic.nothing")}
              mosaics={others}
              value={before}
              testId="mosaic-before"
              onKey={onKey}
              onChange={(id) => onChoice({ ...choice, before: id, share: id === null ? 1 : 0.5 })}
            />
          )}
          {before === null || after === null ? null : (
            <label className="map-mosaic-field">
              <span>{t("mosaic.fade")}</span>
              <input
                type="range"
                min={0}
                max={100}
                step={5}
                value={Math.round(choice.share * 100)}
                aria-valuetext={t("mosaic.share", { percent: Math.round(choice.share * 100) })}
                data-testid="mosaic-share"
                onKeyDown={onKey}
                onChange={(event) => onChoice({ ...choice, share: Number(event.target.value) / 100 })}
              />
              <span className="map-mosaic-ends" aria-hidden="true">
                <span>{before.taken_at.slice(0, 10)}</span>
                <span>{after.taken_at.slice(0, 10)}</span>
              </span>
            </label>
          )}
          {after === null ? null : (
            <p className="map-mosaic-note">
              <button type="button" className="text-button" onKeyDown={onKey} onClick={() => onGo(after)}>
                {t("mosaic.go")}
              </button>
              <span>{t("mosaic.credit", { text: after.attribution, pixel: Math.round(after.gsd_m * 100) })}</span>
            </p>
          )}
        </div>
      ) : null}
    </>
  );
}

interface ChooserProps {
  label: string;
  none: string;
  mosaics: readonly Mosaic[];
  value: Mosaic | null;
  testId: string;
  onKey: (event: KeyboardEvent) => void;
  onChange: (id: string | null) => void;
}

function Chooser({ label, none, mosaics, value, testId, onKey, onChange }: ChooserProps): ReactNode {
  return (
    <label className="map-mosaic-field">
      <span>{label}</span>
      <select
        className="select"
        value={value?.sha256 ?? ""}
        data-testid={testId}
        onKeyDown={onKey}
        onChange={(event) => onChange(event.target.value === "" ? null : event.target.value)}
      >
        <option value="">{none}</option>
        {mosaics.map((mosaic) => (
          <option key={mosaic.sha256} value={mosaic.sha256}>
            {mosaicName(mosaic)}
          </option>
        ))}
      </select>
    </label>
  );
}
