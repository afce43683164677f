import { expect, test } from "vitest";
import { createProcessOwner, ownerHasEnded } from "../../src/database/process-owner.ts";
import { endedOwner } from "./ended-owner.ts";

test("a process that runs has not ended, and one that ended has", () => {
  expect(ownerHasEnded(createProcessOwner())).toBe(false);
  expect(ownerHasEnded(endedOwner())).toBe(true);
});

test("a process whose id was given to another one has ended", () => {
  const own: Record<string, unknown> = JSON.parse(createProcessOwner());
  expect(ownerHasEnded(JSON.stringify({ ...own, started: "1" }))).toBe(true);
});

test("of a process in another container, boot or host nothing is known: its lease or age decides", () => {
  const ended: Record<string, unknown> = JSON.parse(endedOwner());
  for (const unknown of [{ scope: "elsewhere" }, { scope: null }, { started: null }]) {
    expect(ownerHasEnded(JSON.stringify({ ...ended, ...unknown }))).toBe(false);
  }
  expect(ownerHasEnded("no owner of ours")).toBe(false);
});
