/**
 * The server's time, estimated on this machine: a desk computer whose clock is minutes off must not show
 * an alert as older or younger than it is.
 */

let offsetMs = 0;
const PLAUSIBLE_JITTER_MS = 2_000;

/** Takes the `Date` header of an answer that has just come. It has whole seconds only. */
export function noteServerDate(header: string | null, localNow: number = Date.now()): void {
  if (header === null) return;
  const server = Date.parse(header);
  if (Number.isNaN(server)) return;
  const measured = server + 500 - localNow;
  // Below the resolution of the header and the network the local clock is the better one.
  offsetMs = Math.abs(measured) <= PLAUSIBLE_JITTER_MS ? 0 : measured;
}

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
