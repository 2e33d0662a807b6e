/** Readings around an event, as the edge writes them (`gridsentry.telemetry.v1`). */

export interface Telemetry {
  channel: string;
  unit: string;
  setLimit: number | null;
  clearLimit: number | null;
  /** Moments in milliseconds since 1970. */
  readings: { at: number; value: number }[];
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function parseTelemetry(value: unknown): Telemetry | null {
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Record<string, unknown>;
  if (fields["format"] !== "gridsentry.telemetry.v1" || !Array.isArray(fields["readings"])) return null;
  const readings = fields["readings"].flatMap((row: unknown) => {
    if (!Array.isArray(row)) return [];
    const at = Date.parse(String(row[0]));
    const reading = finite(row[1]);
    return Number.isNaN(at) || reading === null ? [] : [{ at, value: reading }];
  });
  return {
    channel: typeof fields["channel"] === "string" ? fields["channel"] : "",
    unit: typeof fields["unit"] === "string" ? fields["unit"] : "",
    setLimit: finite(fields["set_limit"]),
    clearLimit: finite(fields["clear_limit"]),
    readings: readings.sort((a, b) => a.at - b.at),
  };
}

/** Round values that divide [low, high] into about `count` steps (1, 2 or 5 times a power of ten). */
export function niceTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}
