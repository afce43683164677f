import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Many files wait for processes that they start; a core kept for the runner itself would be idle.
    maxWorkers: "100%",
    // The end-to-end stories start real processes; a busy two-core machine needs room.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
