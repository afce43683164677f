import fc from "fast-check";
import { expect, test } from "vitest";
import { createRunMeter } from "../../src/client/follow/run-meter.ts";
import type { ProgressEvent } from "../../src/task-api/run-event.ts";

const stats = (progress_meter: number | null, read: number | null = null): ProgressEvent => ({
  type: "task_run.progress_stats",
  progress_meter,
  source_stats: { num_sources_read: read },
});
const message = (text: string, second: number | null): ProgressEvent => ({
  type: "task_run.progress_msg.search",
  message: text,
  timestamp: second === null ? null : new Date(second * 1_000).toISOString(),
});

test("percent is a whole number from 0 to 99 and never falls, whatever the meter says", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(null), fc.double({ noNaN: true }))), (readings) => {
      const meter = createRunMeter();
      let before = meter.read().percent;
      for (const reading of readings) {
        meter.take(stats(reading));
        const { percent } = meter.read();
        expect(percent).toBeGreaterThanOrEqual(before);
        expect(percent).toBeLessThanOrEqual(99);
        expect(percent).toBe(Math.floor(percent));
        before = percent;
      }
    }),
  );
});

test("stats without counts keep the counts known before", () => {
  const meter = createRunMeter();
  expect(meter.take(stats(10, 3))).toBe(true);
  expect(meter.take(stats(20, null))).toBe(true);
  expect(meter.read()).toMatchObject({ percent: 20, sourcesRead: 3, sourcesConsidered: null });
  expect(meter.take(stats(20, 3))).toBe(false);
});

test("a replay adds nothing, and its old messages do not become the latest", () => {
  const meter = createRunMeter();
  const events = [
    message("plan", 1),
    message("search", 2),
    message("search", 3),
    message("x", null),
  ];
  for (const event of events) expect(meter.take(event)).toBe(true);
  const before = meter.read();
  for (const event of events) expect(meter.take(event)).toBe(false);
  expect(meter.read()).toBe(before);
  expect(before.messages.map((each) => each.message)).toEqual(["plan", "search", "search", "x"]);
  expect(before.messages[0]).toEqual({
    kind: "search",
    message: "plan",
    timestamp: "1970-01-01T00:00:01.000Z",
  });
});

test("of very many messages only the newest are kept, and a full replay still adds nothing", () => {
  const meter = createRunMeter();
  const events = Array.from({ length: 5_000 }, (_, second) => message(`step ${second}`, second));
  for (const event of events) meter.take(event);
  const { messages, latestMessage } = meter.read();
  expect(messages).toHaveLength(100);
  expect(latestMessage).toBe("step 4999");
  for (const event of events) expect(meter.take(event)).toBe(false);
  expect(meter.read().messages).toEqual(messages);
});

test("a message as long as a page is cut", () => {
  const meter = createRunMeter();
  meter.take(message("x".repeat(100_000), 1));
  expect(meter.read().latestMessage).toHaveLength(1_000);
});

test("a step that is cut ends with a whole character", () => {
  const meter = createRunMeter();
  meter.take(message(`${"a".repeat(995)}👩‍👩‍👧`, 1));
  expect(meter.read().latestMessage).toBe(`${"a".repeat(995)}…`);
});
