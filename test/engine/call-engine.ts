import type { Engine } from "../../src/engine/engine.ts";

export interface Answer {
  status: number;
  headers: Headers;
  // A test reads whatever shape it expects, and fails where it is another.
  body: ReturnType<typeof JSON.parse>;
}

/** One request to the engine, without a port; with a body it is a POST. */
export async function call(
  engine: Engine,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await engine.fetch(
    new Request(`http://engine${path}`, {
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    }),
  );
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? null : JSON.parse(text),
  };
}
