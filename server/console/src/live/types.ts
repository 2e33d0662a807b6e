import type { AlertSummary } from "../api/types";

/** One change as the server tells it: the alert as it is after it. */
export interface Change {
  seq: number;
  alert: AlertSummary;
}

/**
 * `live`: changes arrive as they happen. `reconnecting`: they do not, and what is on the screen may be old.
 * `ended`: the session is over.
 */
export type LiveState = "connecting" | "live" | "reconnecting" | "ended";

export interface LiveStatus {
  state: LiveState;
  /** When this state began, milliseconds since 1970. */
  since: number;
}

/** Where a hub gets its changes from. */
export interface FeedHandlers {
  onChange: (change: Change) => void;
  onReset: () => void;
  onStatus: (status: LiveStatus) => void;
}
