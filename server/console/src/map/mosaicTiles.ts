import { addProtocol, type Map as MapLibreMap } from "maplibre-gl";
import { FetchSource, PMTiles } from "pmtiles";

import { mosaicUrl } from "../api/calls";
import type { Mosaic } from "../api/types";

const TILE = /^mosaic:\/\/([0-9a-f]{64})\/(\d+)\/(\d+)\/(\d+)$/;
/** Drawn as transparent. */
const NOTHING = new ArrayBuffer(0);
const archives = new Map<string, PMTiles>();

/** Layers under the grids, from below. */
const LAYERS = ["mosaic-before", "mosaic-after"] as const;
const ABOVE = "grid-hit";

// A tile is a range of the mosaic's file: the browser's cookie goes along, as with every request to the server.
addProtocol("mosaic", async ({ url }, { signal }) => {
  const [, id, zoom, column, row] = TILE.exec(url) ?? [];
  if (id === undefined) throw new Error(`no tile of a mosaic: ${url}`);
  const archive = archives.get(id) ?? new PMTiles(new FetchSource(new URL(mosaicUrl(id), window.location.href).href));
  archives.set(id, archive);
  const tile = await archive.getZxy(Number(zoom), Number(column), Number(row), signal);
  return { data: tile?.data ?? NOTHING };
});

/** Puts the pictures of the ground under everything else; null for one that is not shown. */
export function showMosaics(map: MapLibreMap, before: Mosaic | null, after: Mosaic | null): void {
  for (const [layer, mosaic] of [
    ["mosaic-before", before],
    ["mosaic-after", after],
  ] as const) {
    if (map.getLayer(layer) !== undefined) map.removeLayer(layer);
    if (map.getSource(layer) !== undefined) map.removeSource(layer);
    if (mosaic === null) continue;
    map.addSource(layer, {
      type: "raster",
      tiles: [`mosaic://${mosaic.sha256}/{z}/{x}/{y}`],
      tileSize: 256,
      minzoom: mosaic.least_zoom,
      maxzoom: mosaic.most_zoom,
      bounds: mosaic.bounds,
      attribution: mosaic.attribution,
    });
    map.addLayer({ id: layer, type: "raster", source: layer, paint: { "raster-fade-duration": 0 } }, ABOVE);
  }
}

/** How much of the later picture covers the earlier one. */
export function fadeMosaics(map: MapLibreMap, share: number): void {
  if (map.getLayer(LAYERS[1]) !== undefined) map.setPaintProperty(LAYERS[1], "raster-opacity", share);
}
