import { describe, expect, it } from "vitest";
import { findProcessor, PROCESSORS } from "../../src/task-api/processors.ts";

/** US dollars per 1,000 completed runs, as published. */
const published: Record<string, number> = {
  lite: 5,
  base: 10,
  core: 25,
  core2x: 50,
  pro: 100,
  ultra: 300,
  ultra2x: 600,
  ultra4x: 1200,
  ultra8x: 2400,
};

describe("the processors", () => {
  it("are the published tiers, each with its fast variant", () => {
    expect(PROCESSORS.map((processor) => processor.name)).toEqual(
      Object.keys(published).flatMap((name) => [name, `${name}-fast`]),
    );
  });

  it.each(Object.entries(published))("%s costs $%d for 1,000 runs, fast or not", (name, price) => {
    expect(findProcessor(name)?.priceUsd).toBe(price / 1000);
    expect(findProcessor(`${name}-fast`)?.priceUsd).toBe(price / 1000);
  });

  it("record events by default from pro on", () => {
    const recording = PROCESSORS.filter((processor) => processor.eventsByDefault);
    expect(recording.map((processor) => processor.name)).toEqual(
      ["pro", "ultra", "ultra2x", "ultra4x", "ultra8x"].flatMap((name) => [name, `${name}-fast`]),
    );
  });

  it("take the wider of the published latency bands", () => {
    expect(findProcessor("lite")?.latencySeconds).toEqual({ from: 10, to: 120 });
    expect(findProcessor("ultra")?.latencySeconds).toEqual({ from: 180, to: 1500 });
    expect(findProcessor("ultra8x")?.latencySeconds).toEqual({ from: 300, to: 7200 });
    expect(findProcessor("core-fast")?.latencySeconds).toEqual({ from: 15, to: 100 });
  });

  it("are no faster at their slowest than the fast variant", () => {
    for (const name of Object.keys(published)) {
      const fast = findProcessor(`${name}-fast`)?.latencySeconds.to;
      expect(fast).toBeLessThan(findProcessor(name)?.latencySeconds.to ?? 0);
    }
  });

  it.each(["", "Base", "base ", "toString", "ultra16x"])("do not include %j", (name) => {
    expect(findProcessor(name)).toBeUndefined();
  });
});
