import type { WriteStream } from "node:tty";
import { cleanLine } from "../../text/clean-text.ts";
import { cutToWidth } from "./text-width.ts";

/** The progress of a run. */
export interface ProgressLine {
  /** 0 to 100. */
  percent: number;
  /** The latest step, in words. */
  message: string;
}

/** Shows the progress of a run. */
export interface ProgressView {
  update(line: ProgressLine): void;
  /** Keeps the last line; later output starts on a new one. */
  end(): void;
}

const BAR_WIDTH = 24;

/** A bar that is redrawn on a terminal; a line per step anywhere else. */
export function createProgressView(stream: NodeJS.WritableStream): ProgressView {
  return isTerminal(stream) ? createBarView(stream) : createLineView(stream);
}

export function isTerminal(stream: NodeJS.WritableStream): stream is WriteStream {
  return "isTTY" in stream && stream.isTTY === true;
}

function createBarView(terminal: WriteStream): ProgressView {
  let drawn = false;
  return {
    update({ percent, message }) {
      drawn = true;
      const filled = Math.round((percent / 100) * BAR_WIDTH);
      const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
      const line = `${bar} ${formatPercent(percent)}  ${cleanLine(message)}`;
      terminal.cursorTo(0);
      terminal.write(cutToWidth(line, Math.max(terminal.columns - 1, BAR_WIDTH)));
      terminal.clearLine(1);
    },
    end() {
      if (drawn) terminal.write("\n");
      drawn = false;
    },
  };
}

function createLineView(stream: NodeJS.WritableStream): ProgressView {
  let written = "";
  return {
    update({ percent, message }) {
      const line = `${formatPercent(percent)}  ${cleanLine(message)}\n`;
      if (line !== written) stream.write(line);
      written = line;
    },
    end: () => {},
  };
}

function formatPercent(percent: number): string {
  return `${String(Math.floor(percent)).padStart(3)} %`;
}
