import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertSummary, GridCollection, Mosaic } from "../api/types";
import { Boundary } from "../app/Boundary";
import { useTheme } from "../app/preferences";
import { useLanguage } from "../i18n";
import type { Language } from "../lib/time";
import { NO_MOSAIC, useMosaics, type MosaicChoice } from "./mosaics";
import { SimpleMap } from "./SimpleMap";
import { useGrids } from "./useGrids";

/** MapLibre is by far the largest part of the console: it is loaded after everything that a verdict needs. */
const GridMap = lazy(() => import("./GridMap"));

export interface MapViewProps {
  grids: GridCollection;
  alerts: readonly AlertSummary[];
  selected: string | null;
  /** The chosen queue; without one the selected alert's own queue is marked. */
  queue: string | null;
  language: Language;
  onSelect: (id: string) => void;
}

/** The map that can show pictures of the ground, too. */
export interface GridMapProps extends MapViewProps {
  mosaics: readonly Mosaic[];
  choice: MosaicChoice;
  onChoice: (choice: MosaicChoice) => void;
}

function hasWebgl(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

export function MapPane(props: Omit<MapViewProps, "grids" | "language">): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const { resolved } = useTheme();
  const webgl = useMemo(() => hasWebgl(), []);
  const grids = useGrids();
  const mosaics = useMosaics();
  // Here, and not in the map: that is made anew with another theme.
  const [choice, setChoice] = useState(NO_MOSAIC);
  const waiting = <p className="map-waiting">{t("map.loading")}</p>;
  if (grids.data === undefined) {
    return <div className="map-pane">{grids.isError ? <p className="map-waiting">{t("map.failed")}</p> : waiting}</div>;
  }
  return (
    <section className="map-pane" aria-label={t("map.label")}>
      {webgl ? (
        <Boundary message={t("map.crashed")} action={t("common.reload")}>
          <Suspense fallback={waiting}>
            <GridMap
              key={resolved}
              {...props}
              grids={grids.data}
              language={language}
              mosaics={mosaics}
              choice={choice}
              onChoice={setChoice}
            />
          </Suspense>
        </Boundary>
      ) : (
        <SimpleMap {...props} grids={grids.data} language={language} />
      )}
    </section>
  );
}
