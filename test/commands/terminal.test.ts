import { PassThrough } from "node:stream";
import { WriteStream } from "node:tty";
import { expect, test } from "vitest";
import { createProgressView } from "../../src/commands/terminal/progress-view.ts";
import { answerText, runsTable } from "../../src/commands/terminal/run-text.ts";
import { cutToWidth, padToWidth, widthOf } from "../../src/commands/terminal/text-width.ts";

test("away from a terminal, progress is a line per step, and a repeated step no new line", () => {
  const stream = new PassThrough();
  const view = createProgressView(stream);
  view.update({ percent: 10.4, message: "Query: GDP" });
  view.update({ percent: 10.9, message: "Query: GDP" });
  view.update({ percent: 50, message: "Read 1 document" });
  view.end();
  expect(String(stream.read())).toBe(" 10 %  Query: GDP\n 50 %  Read 1 document\n");
});

/** A terminal of 60 columns that keeps what is written to it. */
class TestTerminal extends PassThrough {
  readonly isTTY = true;
  readonly columns = 60;
  cursorTo = WriteStream.prototype.cursorTo;
  clearLine = WriteStream.prototype.clearLine;
}

test("on a terminal, progress is one bar that is redrawn, fits the line, and stays when it ends", () => {
  const terminal = new TestTerminal();
  const view = createProgressView(terminal);
  view.update({ percent: 50, message: `Reading ${"a long title ".repeat(20)}` });
  const drawn = String(terminal.read());
  expect(drawn).toContain("████████████░░░░░░░░░░░░  50 %  Reading");
  expect(drawn).not.toContain("\n");
  view.end();
  view.end();
  expect(String(terminal.read())).toBe("\n");
});

test("an answer names every source once, and only those its text does not name", () => {
  const source = (url: string, title: string | null = null) => ({ url, title, excerpts: [] });
  const text = answerText({
    type: "text",
    content: "It was $3 trillion [1]. See https://a.example/1.\n",
    basis: [
      {
        field: "output",
        reasoning: "",
        citations: [source("https://a.example/1"), source("https://b.example/2", "Second")],
      },
      { field: "output", reasoning: "", citations: [source("https://b.example/2", "Second")] },
    ],
  });
  expect(text).toBe(
    "It was $3 trillion [1]. See https://a.example/1.\n\nSources\n  - Second\n    https://b.example/2",
  );
});

test("a JSON answer is printed as JSON", () => {
  const text = answerText({ type: "json", content: { gdp: 3.05e12 }, basis: [] });
  expect(JSON.parse(text)).toEqual({ gdp: 3.05e12 });
});

test("text from outside cannot take over the terminal", () => {
  const content = "before\u001b[2Jafter\r\n\tkept";
  expect(answerText({ type: "text", content, basis: [] })).toBe("beforeafter\n\tkept");
  const stream = new PassThrough();
  createProgressView(stream).update({ percent: 0, message: "one\ntwo\u001b]0;title\u0007" });
  expect(String(stream.read())).toBe("  0 %  one two\n");
});

test("wide signs count twice, and none is cut in half", () => {
  expect(cutToWidth("日本語", 6)).toBe("日本語");
  expect(cutToWidth("日本語", 5)).toBe("日本");
  expect(cutToWidth("a👩‍👩‍👧b", 3)).toBe("a👩‍👩‍👧");
  expect(cutToWidth("a👩‍👩‍👧b", 2)).toBe("a");
  expect(cutToWidth("e\u0301e\u0301", 1)).toBe("e\u0301");
  expect(padToWidth("日本", 6)).toBe("日本  ");
  const terminal = new TestTerminal();
  createProgressView(terminal).update({ percent: 0, message: "日本語".repeat(40) });
  const [line = ""] = String(terminal.read()).split("\u001b[0K");
  const text = line.replace("\u001b[1G", "");
  expect(text.startsWith("░")).toBe(true);
  expect(widthOf(text)).toBeLessThan(60);
  expect(widthOf(text)).toBeGreaterThan(55);
});

test("a table of runs lines up, ends at the edge, and obeys nothing in a question", () => {
  const rows = [
    {
      run_id: "trun_1",
      status: "running",
      percent: 45,
      question: "日本の\u001b[2Jこと",
      price_usd: 0,
    },
    { status: "unknown", processor: "base", price_usd: 0.01, question: "Q", error: "lost" },
  ];
  const [header = "", first = "", second = ""] = runsTable(rows, undefined).split("\n");
  expect(first).toMatch(/^trun_1 {2}running 45 % {2}.*free {3}日本のこと$/);
  expect(second).toMatch(/^- {7}unknown .*base.* \$0\.01 {2}Q \(lost\)$/);
  expect(first.indexOf("free")).toBe(header.indexOf("PRICE"));
  for (const line of runsTable(rows, 20).trimEnd().split("\n")) {
    expect(widthOf(line)).toBeLessThanOrEqual(20);
  }
});
