import type { AlertSummary, GridCollection } from "../api/types";

const EARTH_RADIUS_M = 6_371_008.8;
const CORNERS = 48;

export type Bounds = [west: number, south: number, east: number, north: number];

/** The disc that holds the position with 95 % probability, as a ring of [lon, lat] on the local tangent plane. */
export function accuracyRing(lon: number, lat: number, radiusM: number): [number, number][] {
  const degreesNorth = (radiusM / EARTH_RADIUS_M) * (180 / Math.PI);
  const degreesEast = degreesNorth / Math.max(Math.cos((lat * Math.PI) / 180), 1e-9);
  const ring: [number, number][] = [];
  for (let k = 0; k <= CORNERS; k += 1) {
    const angle = (2 * Math.PI * (k % CORNERS)) / CORNERS;
    ring.push([lon + degreesEast * Math.cos(angle), lat + degreesNorth * Math.sin(angle)]);
  }
  return ring;
}

function* positions(geometry: GeoJSON.Polygon | GeoJSON.MultiPolygon): Generator<GeoJSON.Position> {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  for (const polygon of polygons) yield* polygon[0] ?? [];
}

/** The box around the grids; null without any. */
export function boundsOf(grids: GridCollection): Bounds | null {
  let bounds: Bounds | null = null;
  for (const { geometry } of grids.features) {
    for (const [lon, lat] of positions(geometry)) {
      if (lon === undefined || lat === undefined) continue;
      bounds =
        bounds === null
          ? [lon, lat, lon, lat]
          : [Math.min(bounds[0], lon), Math.min(bounds[1], lat), Math.max(bounds[2], lon), Math.max(bounds[3], lat)];
    }
  }
  return bounds;
}

/** Metres a pixel at zoom 0 on the equator, for tiles of 512 pixels. */
const METRES_PER_PIXEL = 78_271.5;
const DISC_PIXELS = 24;
const CLOSEST_ZOOM = 16.2;
const FARTHEST_ZOOM = 12.5;

/** What is drawn with its outline is worth to be looked at closely: a shed is six metres wide. */
export const FOOTPRINT_ZOOM = 18;

/** The zoom at which the disc of `accuracyM` is well seen around its pin, within reason. */
export function zoomFor(lat: number, accuracyM: number, closest = CLOSEST_ZOOM): number {
  const metres = METRES_PER_PIXEL * Math.cos((lat * Math.PI) / 180);
  const zoom = Math.log2((metres * DISC_PIXELS) / Math.max(accuracyM, 1));
  return Math.min(closest, Math.max(FARTHEST_ZOOM, zoom));
}

export interface PinProperties {
  id: string;
  severity: string;
  selected: boolean;
  rank: number;
}

const RANK: Record<string, number> = { blue: 1, yellow: 2, red: 3 };

/** Alerts as points; the selected and the severe are drawn last, on top. */
export function pinsOf(
  alerts: readonly AlertSummary[],
  selected: string | null,
): GeoJSON.FeatureCollection<GeoJSON.Point, PinProperties> {
  return {
    type: "FeatureCollection",
    features: alerts.map((alert) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: alert.location.point.coordinates },
      properties: {
        id: alert.id,
        severity: alert.severity,
        selected: alert.id === selected,
        rank: (alert.id === selected ? 10 : 0) + (RANK[alert.severity] ?? 0),
      },
    })),
  };
}

/** Where it is as an area: its footprint if that is known, else the disc that holds its position. */
export function areaOf({ location }: Pick<AlertSummary, "location">): [number, number][] {
  const footprint = location.area?.coordinates[0];
  if (footprint !== undefined) return footprint.map(([lon, lat]) => [lon, lat]);
  const [lon, lat] = location.point.coordinates;
  return accuracyRing(lon, lat, location.accuracy_m);
}

export function discsOf(
  alerts: readonly AlertSummary[],
  selected: string | null,
): GeoJSON.FeatureCollection<GeoJSON.Polygon, PinProperties> {
  return {
    type: "FeatureCollection",
    features: alerts.map((alert) => ({
      type: "Feature",
      geometry: { type: "Polygon", coordinates: [areaOf(alert)] },
      properties: { id: alert.id, severity: alert.severity, selected: alert.id === selected, rank: 0 },
    })),
  };
}
