import { useQuery } from "@tanstack/react-query";

import { getEvidenceJson } from "../api/calls";
import type { Evidence } from "../api/types";
import { isWhole } from "../evidence/select";
import { MAX_BYTES, parseTimeline, type LampTimeline, type TimelineFault } from "./timeline";

export type TimelineState =
  | { state: "waiting" }
  | { state: "loading" }
  | { state: "fault"; fault: TimelineFault | "failed" }
  | { state: "shown"; timeline: LampTimeline };

/** The document of an evidence file, or why it cannot be drawn. A file that is too large is not even asked for. */
export function useTimeline(file: Evidence | null): TimelineState {
  const tooLarge = file !== null && file.bytes > MAX_BYTES;
  const query = useQuery({
    queryKey: ["evidence", "timeline", file?.sha256 ?? ""],
    queryFn: async () => parseTimeline(await getEvidenceJson(file?.sha256 ?? "")),
    enabled: isWhole(file) && !tooLarge,
    staleTime: Number.POSITIVE_INFINITY,
    // What is no JSON is none the next time either; a server that is away is asked again.
    retry: (count, error) => !(error instanceof SyntaxError || error instanceof RangeError) && count < 2,
  });
  if (tooLarge) return { state: "fault", fault: "tooLarge" };
  if (!isWhole(file)) return { state: "waiting" };
  if (query.isError) return { state: "fault", fault: query.error instanceof SyntaxError ? "notTimeline" : "failed" };
  if (query.data === undefined) return { state: "loading" };
  return "fault" in query.data
    ? { state: "fault", fault: query.data.fault }
    : { state: "shown", timeline: query.data.timeline };
}
