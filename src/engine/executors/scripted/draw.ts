import { createHash } from "node:crypto";

/** A number from 0 to below 1 for each purpose, always the same one. */
export type Draw = (purpose: string) => number;

/** How much of a digest is used: what a number holds exactly. */
const DRAWN_BYTES = 6;

/** The draws of one execution. No draw depends on another, so that a new one changes none of those before. */
export function createDraw(seed: number, execution: number): Draw {
  return (purpose) => {
    const digest = createHash("sha256").update(`${seed} ${execution} ${purpose}`).digest();
    return digest.readUIntBE(0, DRAWN_BYTES) / 2 ** (8 * DRAWN_BYTES);
  };
}
