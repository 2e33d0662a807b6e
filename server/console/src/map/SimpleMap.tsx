import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertSummary, GridCollection } from "../api/types";
import { areaOf, boundsOf, type Bounds } from "./geometry";
import type { MapViewProps } from "./MapPane";

const WIDTH = 400;
const HEIGHT = 300;
const MARGIN = 12;
/** Micro-grids would be specks here. */
const DEEPEST_LEVEL = 2;

type Project = (position: readonly number[]) => string;

/** A still picture of the grids for browsers without WebGL: no zoom, but nothing about place is lost. */
export function SimpleMap({ grids, alerts, selected, queue, onSelect }: MapViewProps): ReactNode {
  const { t } = useTranslation();
  const bounds = useMemo(() => boundsOf(grids), [grids]);
  if (bounds === null) return null;
  const project = projection(bounds);
  const chosen = alerts.find(({ id }) => id === selected) ?? null;
  return (
    <div className="map-host simple-map">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("map.label")} data-testid="simple-map">
        <Grids grids={grids} queue={queue ?? chosen?.queue ?? null} project={project} />
        {chosen === null ? null : <Disc alert={chosen} project={project} />}
        {alerts.map((alert) => (
          <Pin key={alert.id} alert={alert} selected={alert.id === selected} project={project} onSelect={onSelect} />
        ))}
      </svg>
      <p className="map-legend">{t("map.noWebgl")}</p>
    </div>
  );
}

function projection([west, south, east, north]: Bounds): Project {
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = Math.min(
    (WIDTH - 2 * MARGIN) / Math.max(1e-9, (east - west) * squeeze),
    (HEIGHT - 2 * MARGIN) / Math.max(1e-9, north - south),
  );
  return ([lon = 0, lat = 0]) => {
    const x = WIDTH / 2 + (lon - (west + east) / 2) * squeeze * scale;
    const y = HEIGHT / 2 - (lat - (south + north) / 2) * scale;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
}

function Grids({ grids, queue, project }: { grids: GridCollection; queue: string | null; project: Project }): ReactNode {
  return grids.features
    .filter(({ properties }) => properties.layer === "special" || properties.level <= DEEPEST_LEVEL || properties.code === queue)
    .map(({ properties, geometry }) => {
      const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
      const path = polygons.flatMap((rings) => rings.map((ring) => `M${ring.map(project).join("L")}Z`)).join("");
      const kind = properties.code === queue ? "queue" : properties.layer === "special" ? "special" : `level-${properties.level}`;
      return <path key={properties.code} className={`simple-grid simple-${kind}`} d={path} />;
    });
}

function Disc({ alert, project }: { alert: AlertSummary; project: Project }): ReactNode {
  const ring = areaOf(alert);
  return <path className={`simple-disc fill-${alert.severity}`} d={`M${ring.map(project).join("L")}Z`} />;
}

interface PinProps {
  alert: AlertSummary;
  selected: boolean;
  project: Project;
  onSelect: (id: string) => void;
}

/** For the pointer; the list offers the same to the keyboard. */
function Pin({ alert, selected, project, onSelect }: PinProps): ReactNode {
  const [x, y] = project(alert.location.point.coordinates).split(",");
  return (
    <circle
      className={`simple-pin fill-${alert.severity}${selected ? " simple-pin-selected" : ""}`}
      cx={x}
      cy={y}
      r={selected ? 7 : 4.5}
      onClick={() => onSelect(alert.id)}
    />
  );
}
