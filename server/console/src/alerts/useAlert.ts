import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { getAlert } from "../api/calls";
import { isStatus } from "../api/problem";
import type { AlertDetail } from "../api/types";

/** While files are still on their way the detail is asked for again, should a notice of their arrival be lost. */
const EVIDENCE_POLL_MS = 4_000;

export function alertKey(id: string): readonly [string, string] {
  return ["alert", id];
}

export function useAlert(id: string | null): UseQueryResult<AlertDetail> {
  return useQuery({
    queryKey: alertKey(id ?? ""),
    enabled: id !== null,
    queryFn: () => getAlert(id ?? ""),
    retry: (failures, error) => failures < 2 && !isStatus(error, 401, 403, 404, 422),
    refetchInterval: (query) =>
      query.state.data?.evidence.some(({ state }) => state !== "whole") === true ? EVIDENCE_POLL_MS : false,
  });
}
