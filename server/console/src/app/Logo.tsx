import type { ReactNode } from "react";

export function Logo({ size }: { size: number }): ReactNode {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect className="logo-ground" width="32" height="32" rx="8" />
      <g className="logo-grid" fill="none" strokeWidth="1.8">
        <path d="M8.5 8.5h15v15h-15z" />
        <path d="M16 5v22M5 16h22" />
      </g>
      <circle className="logo-eye" cx="16" cy="16" r="4.2" />
    </svg>
  );
}
