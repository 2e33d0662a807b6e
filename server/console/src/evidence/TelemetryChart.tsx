import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMedia } from "../lib/useMedia";
import { niceTicks, type Telemetry } from "./telemetry";

/** Size of the drawing in its own units, which are about pixels: on a phone letters must not shrink with the line. */
const DESK = { width: 720, height: 540 };
const PHONE = { width: 380, height: 260 };
const PHONE_MEDIA = "(max-width: 899px)";
const LEFT = 56;
const RIGHT = 20;
const TOP = 24;
const BOTTOM = 36;

/** The readings as a line with the limits that were crossed. Drawn by hand: one line needs no chart library. */
export function TelemetryChart({ telemetry, startedAt }: { telemetry: Telemetry; startedAt: string }): ReactNode {
  const { t } = useTranslation();
  const { width, height } = useMedia(PHONE_MEDIA) ? PHONE : DESK;
  const { readings, setLimit, clearLimit, unit } = telemetry;
  const first = readings[0];
  const last = readings.at(-1);
  if (first === undefined || last === undefined) return <p className="stage-message">{t("evidence.none")}</p>;

  const values = readings.map(({ value }) => value);
  const limits = [setLimit, clearLimit].filter((limit) => limit !== null);
  const low = Math.min(...values, ...limits);
  const high = Math.max(...values, ...limits);
  const margin = (high - low || Math.abs(high) || 1) * 0.12;
  const from = low - margin;
  const to = high + margin;
  const span = Math.max(1, last.at - first.at);
  const x = (at: number): number => LEFT + ((at - first.at) / span) * (width - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((to - value) / (to - from)) * (height - TOP - BOTTOM);
  const path = readings.map(({ at, value }, k) => `${k === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const began = Date.parse(startedAt);

  return (
    <figure className="stage chart" data-testid="telemetry">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={t("evidence.chartLabel", { channel: telemetry.channel, unit, value: last.value })}
      >
        {niceTicks(from, to, 5).map((tick) => (
          <g key={tick}>
            <line className="chart-rule" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text className="chart-text" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {tick}
            </text>
          </g>
        ))}
        <text className="chart-text" x={LEFT} y={14}>
          {telemetry.channel} ({unit})
        </text>
        {[0, 0.5, 1].map((share) => (
          <text
            key={share}
            className="chart-text"
            x={LEFT + share * (width - LEFT - RIGHT)}
            y={height - 12}
            textAnchor={share === 0 ? "start" : share === 1 ? "end" : "middle"}
          >
            {new Date(first.at + share * span).toLocaleTimeString(undefined, { hour12: false })}
          </text>
        ))}
        {began >= first.at && began <= last.at ? (
          <line className="chart-began" x1={x(began)} x2={x(began)} y1={TOP} y2={height - BOTTOM} />
        ) : null}
        {clearLimit === null ? null : (
          <Limit kind="clear" right={width - RIGHT} y={y(clearLimit)} label={t("evidence.clearLimit", { value: clearLimit })} />
        )}
        {setLimit === null ? null : (
          <Limit kind="set" right={width - RIGHT} y={y(setLimit)} label={t("evidence.setLimit", { value: setLimit })} />
        )}
        <path className="chart-line" d={path} />
        <circle className="chart-last" cx={x(last.at)} cy={y(last.value)} r={4.5} />
      </svg>
    </figure>
  );
}

interface LimitProps {
  kind: "set" | "clear";
  right: number;
  y: number;
  label: string;
}

function Limit({ kind, right, y, label }: LimitProps): ReactNode {
  return (
    <g className={`chart-limit chart-limit-${kind}`}>
      <line x1={LEFT} x2={right} y1={y} y2={y} />
      <text x={right} y={kind === "set" ? y - 6 : y + 15} textAnchor="end">
        {label}
      </text>
    </g>
  );
}
