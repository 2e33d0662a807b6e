/** The map's colours come from the same style sheet as everything else. */
export interface Palette {
  ground: string;
  grid: string;
  gridStrong: string;
  special: string;
  accent: string;
  text: string;
  halo: string;
  red: string;
  yellow: string;
  blue: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || "#888888";
  return {
    ground: colour("--map-ground"),
    grid: colour("--map-grid"),
    gridStrong: colour("--map-grid-strong"),
    special: colour("--map-special"),
    accent: colour("--accent"),
    text: colour("--map-text"),
    halo: colour("--map-ground"),
    red: colour("--red"),
    yellow: colour("--yellow"),
    blue: colour("--blue"),
  };
}
