import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2023", sourcemap: false, reportCompressedSize: false },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], env: { TZ: "UTC" } },
});
