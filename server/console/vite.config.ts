import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env["GRIDSENTRY_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // The map is a lazy chunk of about 1 MB (MapLibre); a warning about it would only hide others.
    chunkSizeWarningLimit: 1200,
    // Everything stays a file of its own: the content security policy knows no data: scripts or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { port: 5173, proxy: { "/api": { target: server }, "/healthz": { target: server } } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true, isolate: false },
});
