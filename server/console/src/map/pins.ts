import type { Map as MapLibreMap } from "maplibre-gl";

import type { Severity } from "../api/types";
import type { Palette } from "./palette";

const SIZE = 30;
const RATIO = 2;

/** Corners of each severity's shape on a unit field: the same shapes as in the list. */
const SHAPES: Record<Exclude<Severity, "blue">, readonly [number, number][]> = {
  red: [
    [0.5, 0.1],
    [0.92, 0.84],
    [0.08, 0.84],
  ],
  yellow: [
    [0.5, 0.08],
    [0.92, 0.5],
    [0.5, 0.92],
    [0.08, 0.5],
  ],
};

export function addPinImages(map: MapLibreMap, palette: Palette): void {
  for (const severity of ["red", "yellow", "blue"] as const) {
    for (const selected of [false, true]) {
      const image = drawPin(severity, selected, palette);
      const name = `pin-${severity}${selected ? "-selected" : ""}`;
      if (image !== null && !map.hasImage(name)) map.addImage(name, image, { pixelRatio: RATIO });
    }
  }
}

function drawPin(severity: Severity, selected: boolean, palette: Palette): ImageData | null {
  const size = SIZE * RATIO * (selected ? 1.2 : 0.8);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.round(size);
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.beginPath();
  if (severity === "blue") {
    context.arc(size / 2, size / 2, size * 0.36, 0, 2 * Math.PI);
  } else {
    SHAPES[severity].forEach(([x, y], k) => {
      if (k === 0) context.moveTo(x * size, y * size);
      else context.lineTo(x * size, y * size);
    });
    context.closePath();
  }
  context.lineJoin = "round";
  context.fillStyle = palette[severity];
  context.strokeStyle = selected ? palette.text : palette.ground;
  context.lineWidth = (selected ? 2.6 : 2) * RATIO;
  context.stroke();
  context.fill();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
