import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";

import type { Language } from "../lib/time";
import type { Palette } from "./palette";

/** Micro-grids and their names appear only when there is room for them. */
const COMPOUND_ZOOM = 13;
const MICRO_ZOOM = 14.2;

/** Of the fill of the whole area. */
export const ROOT_TINT = 0.22;

const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

/** The whole map: grids and alerts, no tiles, no glyph server, nothing from elsewhere. */
export function mapStyle(palette: Palette, language: Language): StyleSpecification {
  return {
    version: 8,
    sources: {
      grids: { type: "geojson", data: EMPTY },
      discs: { type: "geojson", data: EMPTY, tolerance: 0 },
      pins: { type: "geojson", data: EMPTY },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": palette.ground } },
      ...gridLayers(palette, language),
      ...alertLayers(palette),
    ],
  };
}

const isAdmin: ExpressionSpecification = ["==", ["get", "layer"], "admin"];
const isSpecial: ExpressionSpecification = ["==", ["get", "layer"], "special"];

function level(of: number): ExpressionSpecification {
  return ["all", isAdmin, ["==", ["get", "level"], of]];
}

function gridLayers(palette: Palette, language: Language): LayerSpecification[] {
  const outline = (id: string, at: number, colour: string, width: number, minzoom = 0): LayerSpecification => ({
    id,
    type: "line",
    source: "grids",
    filter: level(at),
    minzoom,
    layout: { "line-join": "round" },
    paint: { "line-color": colour, "line-width": width },
  });
  const names = (
    id: string,
    filter: ExpressionSpecification,
    size: number,
    minzoom: number,
    maxzoom = 24,
  ): LayerSpecification => ({
    id,
    type: "symbol",
    source: "grids",
    filter,
    minzoom,
    maxzoom,
    layout: {
      "text-field": ["coalesce", ["get", language === "zh" ? "name_zh" : "name_en"], ["get", "code"]],
      "text-font": ["sans-serif"],
      "text-size": size,
      "text-max-width": 8,
      "text-padding": 6,
    },
    paint: { "text-color": palette.text, "text-halo-color": palette.halo, "text-halo-width": 1.6 },
  });
  return [
    // One almost invisible fill takes the pointer; levels lie on top of each other and would add up.
    { id: "grid-hit", type: "fill", source: "grids", paint: { "fill-color": palette.grid, "fill-opacity": 0.001 } },
    {
      id: "grid-root",
      type: "fill",
      source: "grids",
      filter: level(0),
      paint: { "fill-color": palette.grid, "fill-opacity": ROOT_TINT },
    },
    {
      id: "grid-special",
      type: "fill",
      source: "grids",
      filter: isSpecial,
      paint: { "fill-color": palette.special, "fill-opacity": 0.16 },
    },
    {
      id: "grid-queue",
      type: "fill",
      source: "grids",
      filter: ["==", ["get", "code"], ""],
      paint: { "fill-color": palette.accent, "fill-opacity": 0.13 },
    },
    outline("line-3", 3, palette.grid, 0.6, MICRO_ZOOM),
    outline("line-2", 2, palette.grid, 0.9, COMPOUND_ZOOM - 2),
    outline("line-1", 1, palette.gridStrong, 1.3),
    outline("line-0", 0, palette.gridStrong, 2.2),
    {
      id: "line-special",
      type: "line",
      source: "grids",
      filter: isSpecial,
      paint: { "line-color": palette.special, "line-width": 1.4, "line-dasharray": [3, 2] },
    },
    {
      id: "line-queue",
      type: "line",
      source: "grids",
      filter: ["==", ["get", "code"], ""],
      paint: { "line-color": palette.accent, "line-width": 2.2 },
    },
    names("name-1", level(1), 12, 0, MICRO_ZOOM),
    names("name-2", level(2), 11.5, COMPOUND_ZOOM, MICRO_ZOOM + 1),
    names("name-3", level(3), 10.5, MICRO_ZOOM + 1),
    names("name-special", isSpecial, 10.5, COMPOUND_ZOOM),
  ];
}

function alertLayers(palette: Palette): LayerSpecification[] {
  const bySeverity: ExpressionSpecification = [
    "match",
    ["get", "severity"],
    "red",
    palette.red,
    "yellow",
    palette.yellow,
    palette.blue,
  ];
  return [
    {
      id: "disc-fill",
      type: "fill",
      source: "discs",
      paint: { "fill-color": bySeverity, "fill-opacity": ["case", ["get", "selected"], 0.18, 0.05] },
    },
    {
      id: "disc-line",
      type: "line",
      source: "discs",
      paint: {
        "line-color": bySeverity,
        "line-width": ["case", ["get", "selected"], 2, 0.8],
        "line-opacity": ["case", ["get", "selected"], 1, 0.45],
      },
    },
    {
      id: "pins",
      type: "symbol",
      source: "pins",
      layout: {
        "icon-image": [
          "concat",
          "pin-",
          ["get", "severity"],
          ["case", ["get", "selected"], "-selected", ""],
        ],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "rank"],
      },
    },
  ];
}
