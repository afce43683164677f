import { TestRunner, onTestFinished } from "vitest";

type Close = () => unknown;
const openInFile: Close[] = [];

/** Closes what a test has opened when it ends, and what a `beforeAll` has opened when its file ends. */
export function onFinished(close: Close): void {
  if (TestRunner.getCurrentTest() === undefined) openInFile.push(close);
  else onTestFinished(async () => void (await close()));
}

/** Last opened, first closed. */
export async function closeFile(): Promise<void> {
  for (let close = openInFile.pop(); close !== undefined; close = openInFile.pop()) await close();
}
