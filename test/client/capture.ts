import { inspect } from "node:util";

/** The error a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** What a function throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("expected a throw");
}

/** Everything that can be read from an error, in whatever way it is printed. */
export function everythingIn(error: unknown): string {
  return `${inspect(error, { depth: 20, showHidden: true })}\n${JSON.stringify(error)}`;
}

/** The iterator behind a `for await`, to take one item at a time. */
export function iterate<T>(items: AsyncIterable<T>): AsyncIterator<T> {
  return items[Symbol.asyncIterator]();
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Takes items until one fits, and returns it. */
export async function next<T>(
  items: AsyncIterator<T>,
  fits: (item: T) => boolean = () => true,
): Promise<T> {
  for (;;) {
    const { done, value } = await items.next();
    if (done === true) throw new Error("the items ended");
    if (fits(value)) return value;
  }
}
