import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { isStatus } from "./api/problem";
import { App } from "./app/App";
import { startI18n } from "./i18n";
import { SESSION_KEY } from "./session/useSession";
import "./styles/index.css";

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false, // The live stream keeps the screen up to date.
      retry: (failures, error) => failures < 2 && !isStatus(error, 400, 401, 403, 404, 409, 422),
    },
  },
  queryCache: new QueryCache({
    onError: (error, query) => {
      // Any 401 behind the sign-in means that the session is over.
      if (isStatus(error, 401) && query.queryKey[0] !== SESSION_KEY[0]) client.setQueryData(SESSION_KEY, null);
    },
  }),
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");
void startI18n().then(() => {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
});
