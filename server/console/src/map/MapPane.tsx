import { lazy, Suspense, useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertSummary, GridCollection } from "../api/types";
import { Boundary } from "../app/Boundary";
import { useTheme } from "../app/preferences";
import { useLanguage } from "../i18n";
import type { Language } from "../lib/time";
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
  const waiting = <p className="map-waiting">{t("map.loading")}</p>;
  if (grids.data === undefined) {
    return <div className="map-pane">{grids.isError ? <p className="map-waiting">{t("map.failed")}</p> : waiting}</div>;
  }
  return (
    <section className="map-pane" aria-label={t("map.label")}>
      {webgl ? (
        <Boundary message={t("map.crashed")} action={t("common.reload")}>
          <Suspense fallback={waiting}>
            <GridMap key={resolved} {...props} grids={grids.data} language={language} />
          </Suspense>
        </Boundary>
      ) : (
        <SimpleMap {...props} grids={grids.data} language={language} />
      )}
    </section>
  );
}
