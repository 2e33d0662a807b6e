import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { niceTicks, type Telemetry } from "./telemetry";

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 56;
const RIGHT = 20;
const TOP = 24;
const BOTTOM = 36;

/** The readings as a line with the limits that were crossed. Drawn by hand: one line needs no chart library. */
export function TelemetryChart({ telemetry, startedAt }: { telemetry: Telemetry; startedAt: string }): ReactNode {
  const { t } = useTranslation();
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
  const x = (at: number): number => LEFT + ((at - first.at) / span) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((to - value) / (to - from)) * (HEIGHT - TOP - BOTTOM);
  const path = readings.map(({ at, value }, k) => `${k === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const began = Date.parse(startedAt);

  return (
    <figure className="stage chart" data-testid="telemetry">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t("evidence.chartLabel", { channel: telemetry.channel, unit, value: last.value })}
      >
        {niceTicks(from, to, 5).map((tick) => (
          <g key={tick}>
            <line className="chart-rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
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
            x={LEFT + share * (WIDTH - LEFT - RIGHT)}
            y={HEIGHT - 12}
            textAnchor={share === 0 ? "start" : share === 1 ? "end" : "middle"}
          >
            {new Date(first.at + share * span).toLocaleTimeString(undefined, { hour12: false })}
          </text>
        ))}
        {began >= first.at && began <= last.at ? (
          <line className="chart-began" x1={x(began)} x2={x(began)} y1={TOP} y2={HEIGHT - BOTTOM} />
        ) : null}
        {clearLimit === null ? null : (
          <Limit kind="clear" y={y(clearLimit)} label={t("evidence.clearLimit", { value: clearLimit })} />
        )}
        {setLimit === null ? null : <Limit kind="set" y={y(setLimit)} label={t("evidence.setLimit", { value: setLimit })} />}
        <path className="chart-line" d={path} />
        <circle className="chart-last" cx={x(last.at)} cy={y(last.value)} r={4.5} />
      </svg>
    </figure>
  );
}

function Limit({ kind, y, label }: { kind: "set" | "clear"; y: number; label: string }): ReactNode {
  return (
    <g className={`chart-limit chart-limit-${kind}`}>
      <line x1={LEFT} x2={WIDTH - RIGHT} y1={y} y2={y} />
      <text x={WIDTH - RIGHT} y={kind === "set" ? y - 6 : y + 15} textAnchor="end">
        {label}
      </text>
    </g>
  );
}
