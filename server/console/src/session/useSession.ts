import { useMutation, useQuery, useQueryClient, type QueryClient, type UseMutationResult } from "@tanstack/react-query";
import { useCallback } from "react";

import { getSession, signIn, signOut } from "../api/calls";
import { isStatus } from "../api/problem";
import type { Account } from "../api/types";
import { arrivals } from "../live/arrivals";

export const SESSION_KEY = ["session"] as const;

export type SessionState =
  | { kind: "loading" }
  | { kind: "signed-out" }
  | { kind: "unreachable"; retry: () => void }
  | { kind: "signed-in"; account: Account };

/** Who is signed in. A stranger's 401 is an answer, not a fault. */
export function useSession(): SessionState {
  const query = useQuery({
    queryKey: SESSION_KEY,
    queryFn: async (): Promise<Account | null> => {
      try {
        return await getSession();
      } catch (error) {
        if (isStatus(error, 401)) return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: 2,
  });
  if (query.data !== undefined) {
    return query.data === null ? { kind: "signed-out" } : { kind: "signed-in", account: query.data };
  }
  if (query.isError) return { kind: "unreachable", retry: () => void query.refetch() };
  return { kind: "loading" };
}

export function useSignIn(): UseMutationResult<Account, Error, { username: string; password: string }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ username, password }) => signIn(username, password),
    onSuccess: (account) => {
      forgetAllButSession(client);
      client.setQueryData(SESSION_KEY, account);
    },
  });
}

/** What one account saw is not for the next. The session's own query stays: the page listens to it. */
function forgetAllButSession(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
  arrivals.clear();
}

/** Ends the session here even if the server cannot be told: the screen must not stay open. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return useCallback(async () => {
    try {
      await signOut();
    } finally {
      client.setQueryData(SESSION_KEY, null);
      forgetAllButSession(client);
    }
  }, [client]);
}
