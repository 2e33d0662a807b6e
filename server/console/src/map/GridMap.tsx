import {
  Map as MapLibreMap,
  setWorkerUrl,
  type GeoJSONSource,
  type MapGeoJSONFeature,
  type MapLayerMouseEvent,
  type MapMouseEvent,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { useEffect, useEffectEvent, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { GridProperties, Mosaic } from "../api/types";
import { placeName } from "../alerts/text";
import { Icon } from "../app/Icon";
import type { Language } from "../lib/time";
import { boundsOf, discsOf, FOOTPRINT_ZOOM, pinsOf, zoomFor, type Bounds } from "./geometry";
import type { GridMapProps } from "./MapPane";
import { isSeen, mosaicOf } from "./mosaics";
import { MosaicChooser } from "./MosaicChooser";
import { fadeMosaics, showMosaics } from "./mosaicTiles";
import { readPalette } from "./palette";
import { addPinImages } from "./pins";
import { mapStyle, ROOT_TINT } from "./style";

setWorkerUrl(workerUrl);

const FIT_PADDING = 24;
const EASE_MS = 450;
const CLOSEST = 19;
/** A pixel of 5 cm is then about four on the screen. */
const CLOSEST_ON_MOSAIC = 22;
const NOWHERE = [null, null] as const;

/** The grids and the alerts on them. Everything is drawn from the server's own data. */
export default function GridMap(props: GridMapProps): ReactNode {
  const { grids, alerts, selected, queue, language, onSelect, mosaics, choice, onChoice } = props;
  const { t } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibreMap | null>(null);
  const [tip, setTip] = useState<{ x: number; y: number; lines: string[] } | null>(null);
  const select = useEffectEvent((id: string) => onSelect(id));
  const namesOf = useEffectEvent((features: readonly MapGeoJSONFeature[]) => gridNames(features, language));

  useEffect(() => {
    if (host.current === null) return;
    const created = createMap(host.current, language);
    created.on("load", () => {
      addPinImages(created, readPalette());
      setMap(created);
    });
    created.on("click", "pins", (event: MapLayerMouseEvent) => {
      const id: unknown = event.features?.[0]?.properties["id"];
      if (typeof id === "string") select(id);
    });
    created.on("mousemove", (event: MapMouseEvent) => {
      const onPin = created.getLayer("pins") !== undefined && created.queryRenderedFeatures(event.point, { layers: ["pins"] }).length > 0;
      created.getCanvas().style.cursor = onPin ? "pointer" : "";
      const lines = namesOf(created.queryRenderedFeatures(event.point, { layers: ["grid-hit"] }));
      setTip(lines.length === 0 ? null : { x: event.point.x, y: event.point.y, lines });
    });
    created.on("mouseout", () => setTip(null));
    return () => {
      setMap(null);
      created.remove();
    };
  }, [language]);

  useEffect(() => {
    if (map === null) return;
    setData(map, "grids", grids);
    const bounds = boundsOf(grids);
    if (bounds !== null) map.fitBounds(bounds, { padding: FIT_PADDING, animate: false });
  }, [map, grids]);

  useEffect(() => {
    if (map === null) return;
    setData(map, "pins", pinsOf(alerts, selected));
    setData(map, "discs", discsOf(alerts, selected));
  }, [map, alerts, selected]);

  const chosen = alerts.find(({ id }) => id === selected) ?? null;
  const shownQueue = queue ?? chosen?.queue ?? "";
  useEffect(() => {
    if (map === null) return;
    for (const layer of ["grid-queue", "line-queue"]) map.setFilter(layer, ["==", ["get", "code"], shownQueue]);
  }, [map, shownQueue]);

  const accuracy = chosen?.location.accuracy_m ?? 0;
  const closest = chosen?.location.area == null ? undefined : FOOTPRINT_ZOOM;
  const [lon, lat]: readonly (number | null)[] = chosen?.location.point.coordinates ?? NOWHERE;
  useEffect(() => {
    if (map === null || lon == null || lat == null) return;
    const goal = { center: [lon, lat] as [number, number], zoom: zoomFor(lat, accuracy, closest) };
    map.easeTo({ ...goal, duration: EASE_MS });
    // Choosing the first alert makes the map smaller, which stops the movement half way.
    const again = (): void => void map.jumpTo(goal);
    const settled = setTimeout(() => map.off("resize", again), 2 * EASE_MS);
    map.once("resize", again);
    return () => {
      clearTimeout(settled);
      map.off("resize", again);
    };
  }, [map, lon, lat, accuracy, closest]);

  const after = mosaicOf(mosaics, choice.after);
  const before = after === null ? null : mosaicOf(mosaics, choice.before);
  const { share } = choice;
  useEffect(() => {
    if (map === null) return;
    showMosaics(map, before, after);
    // Grids lie over the picture: their outlines stay, their tint would dull it.
    map.setPaintProperty("grid-root", "fill-opacity", after === null ? ROOT_TINT : 0);
    map.setMaxZoom(after === null ? CLOSEST : CLOSEST_ON_MOSAIC);
  }, [map, before, after]);
  useEffect(() => {
    if (map !== null) fadeMosaics(map, share);
  }, [map, before, after, share]);
  const goTo = (mosaic: Mosaic): void => void map?.fitBounds(mosaic.bounds, { padding: FIT_PADDING });
  useEffect(() => {
    if (map !== null && after !== null && !isSeen(viewOf(map), after.bounds)) {
      map.fitBounds(after.bounds, { padding: FIT_PADDING, animate: false });
    }
  }, [map, after]);

  const fit = (): void => {
    const bounds = boundsOf(grids);
    if (bounds !== null) map?.fitBounds(bounds, { padding: FIT_PADDING });
  };

  return (
    <div className="map-host">
      <div ref={host} className="map-canvas" role="application" aria-label={t("map.label")} data-testid="map" />
      <div className="map-tools">
        <button type="button" className="icon-button" aria-label={t("map.fit")} title={t("map.fit")} onClick={fit}>
          <Icon name="fit" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t("map.focus")}
          title={t("map.focus")}
          disabled={lon == null || lat == null}
          onClick={() => {
            if (lon != null && lat != null) map?.easeTo({ center: [lon, lat], zoom: zoomFor(lat, accuracy) });
          }}
        >
          <Icon name="pin" />
        </button>
        {mosaics.length === 0 ? null : (
          <MosaicChooser mosaics={mosaics} choice={choice} onChoice={onChoice} onGo={goTo} />
        )}
      </div>
      {tip === null ? null : (
        <div className="map-tip" style={{ transform: `translate(${tip.x + 14}px, ${tip.y + 14}px)` }} aria-hidden="true">
          {tip.lines.map((line) => (
            <div key={line}>{line}</div>
          ))}
        </div>
      )}
      <p className="map-legend">{t("map.legend")}</p>
    </div>
  );
}

function createMap(container: HTMLElement, language: Language): MapLibreMap {
  return new MapLibreMap({
    container,
    style: mapStyle(readPalette(), language),
    center: [113.62, 34.75],
    zoom: 10,
    maxZoom: CLOSEST,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    // Arrow keys and J/K belong to the console, not to the map.
    keyboard: false,
    localIdeographFontFamily: "'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif",
    canvasContextAttributes: { antialias: true },
  });
}

function viewOf(map: MapLibreMap): Bounds {
  const view = map.getBounds();
  return [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()];
}

function setData(map: MapLibreMap, source: string, data: GeoJSON.FeatureCollection): void {
  void map.getSource<GeoJSONSource>(source)?.setData(data);
}

/** The names of the grids under the pointer, the largest first. */
function gridNames(features: readonly MapGeoJSONFeature[], language: Language): string[] {
  const grids = features.map(({ properties }) => properties as GridProperties);
  const unique = new Map(grids.map((grid) => [grid.code, grid]));
  return [...unique.values()]
    .sort((a, b) => Number(a.layer === "special") - Number(b.layer === "special") || a.level - b.level)
    .map((grid) => `${grid.layer === "special" ? "◇ " : ""}${placeName(grid, language)}`);
}
