import { useQuery, useQueryClient, type QueryClient, type UseQueryResult } from "@tanstack/react-query";

import { getAlert } from "../api/calls";
import { isStatus } from "../api/problem";
import type { AlertDetail } from "../api/types";

/** While files are still on their way the detail is asked for again, should a notice of their arrival be lost. */
const EVIDENCE_POLL_MS = 4_000;

export function alertKey(id: string): readonly [string, string] {
  return ["alert", id];
}

/**
 * Keeps an answer, unless one to a later decision is here already: a request that was on its way while this browser
 * claimed the alert must not bring the time before back.
 */
export function keepNewer(client: QueryClient, answer: AlertDetail): AlertDetail {
  const known = client.getQueryData<AlertDetail>(alertKey(answer.id));
  const newer = known !== undefined && known.version > answer.version ? known : answer;
  client.setQueryData(alertKey(answer.id), newer);
  return newer;
}

export function useAlert(id: string | null): UseQueryResult<AlertDetail> {
  const client = useQueryClient();
  return useQuery({
    queryKey: alertKey(id ?? ""),
    enabled: id !== null,
    queryFn: async () => keepNewer(client, await getAlert(id ?? "")),
    retry: (failures, error) => failures < 2 && !isStatus(error, 401, 403, 404, 422),
    refetchInterval: (query) =>
      query.state.data?.evidence.some(({ state }) => state !== "whole") === true ? EVIDENCE_POLL_MS : false,
  });
}
