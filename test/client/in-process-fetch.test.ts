import { expect, test } from "vitest";
import { createInProcessFetch } from "../../src/client/http/in-process-fetch.ts";
import type { FetchInit } from "../../src/client/http/fetch.ts";
import { deferred } from "../engine/start-test-engine.ts";
import { collect, errorOf, iterate } from "./capture.ts";

const get = (signal?: AbortSignal): FetchInit => ({
  method: "GET",
  headers: {},
  ...(signal && { signal }),
});

test("method, headers and body reach the handler; status, headers and body come back", async () => {
  const fetch = createInProcessFetch(async (request) =>
    Response.json(
      {
        method: request.method,
        url: request.url,
        key: request.headers.get("x-api-key"),
        body: await request.text(),
      },
      { status: 202, headers: { "x-answer": "yes" } },
    ),
  );
  const headers = { "x-api-key": "k" };
  const response = await fetch("http://engine/a?b=c", { method: "POST", headers, body: "hello" });
  expect(response.status).toBe(202);
  expect(response.headers.get("X-Answer")).toBe("yes");
  if (response.body === null) throw new Error("no body");
  const chunks = await collect(response.body);
  expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({
    method: "POST",
    url: "http://engine/a?b=c",
    key: "k",
    body: "hello",
  });
});

test("an answer without a body has none", async () => {
  const fetch = createInProcessFetch(() => new Response(null, { status: 204 }));
  expect(await fetch("http://engine/", get())).toMatchObject({ status: 204, body: null });
});

test("a handler that throws, at once or later, rejects the request", async () => {
  const now = createInProcessFetch(() => {
    throw new Error("at once");
  });
  const later = createInProcessFetch(() => Promise.reject(new Error("later")));
  expect(await errorOf(now("http://engine/", get()))).toEqual(new Error("at once"));
  expect(await errorOf(later("http://engine/", get()))).toEqual(new Error("later"));
});

test("an abort reaches a handler that is still at work", async () => {
  const aborted = deferred<unknown>();
  const entered = deferred();
  const fetch = createInProcessFetch((request) => {
    request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
    entered.resolve();
    return new Promise(() => {});
  });
  const leaving = new AbortController();
  const answer = errorOf(fetch("http://engine/", get(leaving.signal)));
  await entered.promise;
  leaving.abort("had enough");
  expect(await answer).toBe("had enough");
  expect(await aborted.promise).toBe("had enough");
});

test("an abort before the request keeps it from the handler", async () => {
  let calls = 0;
  const fetch = createInProcessFetch(() => {
    calls += 1;
    return new Response();
  });
  expect(await errorOf(fetch("http://engine/", get(AbortSignal.abort("no"))))).toBe("no");
  expect(calls).toBe(0);
});

test("an answer that comes after the abort is cancelled, not left running", async () => {
  const cancelled = deferred();
  const release = deferred();
  const fetch = createInProcessFetch(async () => {
    await release.promise;
    return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }));
  });
  const leaving = new AbortController();
  const answer = errorOf(fetch("http://engine/", get(leaving.signal)));
  leaving.abort("had enough");
  await answer;
  release.resolve();
  await cancelled.promise;
});

test.each(["is being read", "has not been read", "was left by its reader"])(
  "a body that %s is cancelled at its producer",
  async (how) => {
    const cancelled = deferred();
    const fetch = createInProcessFetch(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(Buffer.from("first")),
            cancel: () => cancelled.resolve(),
          }),
        ),
    );
    const leaving = new AbortController();
    const response = await fetch("http://engine/", get(leaving.signal));
    if (response.body === null) throw new Error("no body");
    const reader = iterate(response.body);
    if (how === "is being read") {
      await reader.next();
      const waiting = errorOf(reader.next());
      leaving.abort("had enough");
      expect(await waiting).toBe("had enough");
    } else if (how === "has not been read") {
      leaving.abort("had enough");
    } else {
      await reader.next();
      await reader.return?.();
    }
    await cancelled.promise;
  },
);
