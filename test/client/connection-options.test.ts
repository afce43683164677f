import { expect, test } from "vitest";
import { createClient } from "../../src/client/create-task-api-client.ts";
import {
  InvalidApiKey,
  InvalidBaseUrl,
  parseBaseUrl,
} from "../../src/client/http/connection-options.ts";
import { everythingIn, thrownBy } from "./capture.ts";

test.each([
  ["https://api.parallel.ai", "https://api.parallel.ai"],
  ["https://api.parallel.ai/", "https://api.parallel.ai"],
  ["http://localhost:8080/task-api", "http://localhost:8080/task-api"],
  ["http://localhost:8080/task-api//", "http://localhost:8080/task-api"],
  ["http://[::1]:3000/a%20b/", "http://[::1]:3000/a%20b"],
])("%s is used as %s", (text, expected) => {
  expect(parseBaseUrl(text)).toBe(expected);
});

test.each([
  ["sk-secret", "is not a URL"],
  ["api.parallel.ai/sk-secret", "is not a URL"],
  ["ftp://host/sk-secret", "https:// or http://"],
  ["https://user:sk-secret@host", "set the API key instead"],
  ["https://host/?key=sk-secret", "query"],
  ["https://host/#sk-secret", "fragment"],
])("%s is refused with a message that says why and does not repeat it", (text, reason) => {
  const refusal = thrownBy(() => parseBaseUrl(text));
  expect(refusal).toBeInstanceOf(InvalidBaseUrl);
  expect(String(refusal)).toContain(reason);
  expect(everythingIn(refusal)).not.toContain("sk-secret");
});

test.each(["", "sk secret", "sk-secret\n", "sk-sécret"])(
  "the API key %j is refused before any HTTP library can repeat it",
  (apiKey) => {
    const fetch = () => Promise.reject(new Error("must not be called"));
    const refusal = thrownBy(() => createClient({ baseUrl: "http://host", apiKey, fetch }));
    expect(refusal).toBeInstanceOf(InvalidApiKey);
    if (apiKey !== "") expect(everythingIn(refusal)).not.toContain(apiKey);
  },
);
