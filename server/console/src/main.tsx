import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { onSessionChange } from "./api/calls";
import { isStatus } from "./api/problem";
import { App } from "./app/App";
import { Boundary } from "./app/Boundary";
import { i18n, startI18n } from "./i18n";
import { SESSION_KEY } from "./session/useSession";
import "./styles/index.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false, // The live stream keeps the screen up to date.
      retry: (failures, error) => failures < 2 && !isStatus(error, 400, 401, 403, 404, 409, 422),
    },
  },
});
onSessionChange((account) => client.setQueryData(SESSION_KEY, account));

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");
void startI18n().then(() => {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Boundary message={i18n.t("common.crashed")} action={i18n.t("common.reload")}>
          <App />
        </Boundary>
      </QueryClientProvider>
    </StrictMode>,
  );
});
