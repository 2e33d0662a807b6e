import { useEffect } from "react";

/** The number of open alerts in the tab's title, for whoever works in another tab. */
export function useOpenCountInTitle(open: number, more: boolean): void {
  useEffect(() => {
    document.title = open > 0 ? `(${open}${more ? "+" : ""}) GridSentry` : "GridSentry";
    return () => {
      document.title = "GridSentry";
    };
  }, [open, more]);
}
