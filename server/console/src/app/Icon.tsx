import type { ReactNode } from "react";

/** Line icons on a 20 × 20 field, drawn for this console. */
const PATHS = {
  back: "M12.5 4.5 7 10l5.5 5.5",
  check: "M4.5 10.5 8.5 14.5 15.5 6",
  close: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  question: "M7.4 7.6a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.1.9-1.1 1.8M10 14.6v.1",
  warning: "M10 3.5 17 15.5H3zM10 8.2v3.4M10 13.6v.1",
  info: "M10 9v5M10 6.2v.1",
  play: "M6.5 4.5 15 10l-8.5 5.5z",
  pause: "M7 5v10M13 5v10",
  "step-back": "M13.5 5 7.5 10l6 5zM5.5 5v10",
  "step-forward": "M6.5 5l6 5-6 5zM14.5 5v10",
  loop: "M5 8.5a5.2 5.2 0 0 1 9.2-1.6M15 11.5a5.2 5.2 0 0 1-9.2 1.6M14.6 3.8v3.4h-3.4M5.4 16.2v-3.4h3.4",
  overlay: "M4 14c2.5-7 5-9 12-9.5M4 14l.1-.1M8 8.6v.1M11.5 6v.1M15.9 4.6v.1",
  download: "M10 3.5v8.5M6.5 8.8 10 12.300l3.500-3.500M4 15.500h12",
  sound: "M4 8v4h2.5l3.5 3V5L6.5 8zM12.8 7.5a3.6 3.6 0 0 1 0 5M14.9 5.4a6.5 6.5 0 0 1 0 9.2",
  muted: "M4 8v4h2.5l3.5 3V5L6.5 8zM13 8l4 4M17 8l-4 4",
  keyboard: "M3.5 6h13v8.5h-13zM6 8.7v.1M8.7 8.7v.1M11.3 8.7v.1M14 8.7v.1M7 12h6",
  out: "M8.5 4.5h-4v11h4M8 10h8M13 7l3 3-3 3",
  sun: "M10 6.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4M10 3v1.2M10 15.8V17M3 10h1.2M15.8 10H17M5 5l.9.9M14.1 14.1l.9.9M15 5l-.9.9M5.9 14.1 5 15",
  moon: "M15.5 12A6.2 6.2 0 0 1 8 4.5 6.2 6.2 0 1 0 15.5 12",
  contrast: "M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M12.7 12.7 16 16",
  pin: "M10 17s5-4.7 5-8.6a5 5 0 0 0-10 0C5 12.300 10 17 10 17M10 6.800v.1a1.600 1.600 0 1 0 .1 0",
  camera: "M3.500 6.500h9v7h-9zM12.500 9l4-2v6l-4-2z",
  fit: "M4 7.500V4h3.500M12.500 4H16v3.500M16 12.500V16h-3.500M7.500 16H4v-3.500",
  border: "M10 3.500v2M10 8v2M10 12.500v2M4 6c3 0 3 8 0 8M16 6c-3 0-3 8 0 8",
  layers: "M10 3.500 17 7.200 10 11 3 7.200zM3.800 10.400 10 13.700l6.200-3.300M3.800 13.200 10 16.500l6.200-3.300",
  list: "M7 5.500h9M7 10h9M7 14.500h9M4 5.500v.1M4 10v.1M4 14.500v.1",
  chevron: "M6 8l4 4 4-4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
