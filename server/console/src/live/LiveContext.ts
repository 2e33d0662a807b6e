import { createContext, useContext, useSyncExternalStore } from "react";

import type { LiveHub } from "./hub";
import type { LiveStatus } from "./types";

/** The hub of the signed-in account; null until the first snapshot has told where to follow from. */
export const LiveContext = createContext<LiveHub | null>(null);

export function useLiveHub(): LiveHub | null {
  return useContext(LiveContext);
}

const CONNECTING: LiveStatus = { state: "connecting", since: Date.now() };
const subscribeNothing = (): (() => void) => () => undefined;
const connecting = (): LiveStatus => CONNECTING;

export function useLiveStatus(): LiveStatus {
  const hub = useContext(LiveContext);
  return useSyncExternalStore(hub?.subscribeStatus ?? subscribeNothing, hub?.getStatus ?? connecting);
}
