import { useCallback, useSyncExternalStore } from "react";

/** Where the console is: in the address, so that the browser's back button and a bookmark work. */
export type Route =
  | { page: "alerts"; alert: string | null }
  | { page: "audit"; subject: string | null }
  | { page: "dead-letters" }
  | { page: "devices" };

export function parsePath(path: string): Route {
  const [first, second] = path.split("/").filter((part) => part !== "");
  if (first === "dead-letters" || first === "devices") return { page: first };
  const rest = second === undefined ? null : safeDecode(second);
  if (first === "audit") return { page: "audit", subject: rest };
  if (first === "alerts") return { page: "alerts", alert: rest };
  return { page: "alerts", alert: null };
}

function safeDecode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export function pathOf(route: Route): string {
  switch (route.page) {
    case "alerts":
      return route.alert === null ? "/" : `/alerts/${encodeURIComponent(route.alert)}`;
    case "audit":
      return route.subject === null ? "/audit" : `/audit/${encodeURIComponent(route.subject)}`;
    default:
      return `/${route.page}`;
  }
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

let cachedPath = "";
let cachedRoute: Route = { page: "alerts", alert: null };

function snapshot(): Route {
  const path = window.location.pathname;
  if (path !== cachedPath) {
    cachedPath = path;
    cachedRoute = parsePath(path);
  }
  return cachedRoute;
}

export type Navigate = (route: Route, how?: "push" | "replace") => void;

/** Moving from alert to alert replaces the entry: "back" leads to the list, not through fifty alerts. */
export function useRoute(): [Route, Navigate] {
  const route = useSyncExternalStore(subscribe, snapshot);
  const navigate = useCallback<Navigate>((next, how = "push") => {
    const path = pathOf(next);
    if (path === window.location.pathname) return;
    if (how === "replace") window.history.replaceState(null, "", path);
    else window.history.pushState(null, "", path);
    for (const notify of listeners) notify();
  }, []);
  return [route, navigate];
}
