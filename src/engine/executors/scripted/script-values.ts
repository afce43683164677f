import { z } from "zod";

/** Longer than any run anybody waits for; a timer could not hold more than 24 of these days. */
const MAX_SECONDS = 86_400;
const SECONDS_ERROR = `write seconds: a number from 0 to ${MAX_SECONDS}`;

export const Seconds = z
  .number(SECONDS_ERROR)
  .min(0, SECONDS_ERROR)
  .max(MAX_SECONDS, SECONDS_ERROR);

export const Text = z.string("write a text; one that looks like something else goes in quotes");

export const Flag = z.boolean("write true or false");

/** A whole number within bounds that the error names. */
export function count(least: number, most: number) {
  const error = `write a whole number from ${least} to ${most}`;
  return z.int(error).min(least, error).max(most, error);
}

/** An object that knows all its keys, and names them to whoever mistypes one. */
export function object<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys"
        ? `unknown key; the keys here are ${keys}`
        : `write an object with keys of ${keys}`,
  });
}
