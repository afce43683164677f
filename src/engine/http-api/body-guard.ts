import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ApiError } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";

/** Refuses a body that declares itself as something else than JSON. One that declares nothing is read as JSON. */
export const requireJson: MiddlewareHandler<RequestEnv> = async (c, next) => {
  if (c.req.method === "POST") {
    const type = c.req.header("content-type");
    if (type !== undefined && !JSON_TYPE.test(type)) {
      throw new ApiError(415, "Unsupported media type: send the body as application/json");
    }
    const encoding = c.req.header("content-encoding");
    if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
      throw new ApiError(415, "Unsupported content encoding: send the body uncompressed");
    }
  }
  await next();
};

const JSON_TYPE = /^\s*application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i;

/** Refuses bodies of more than `maxBytes` without reading them to their end. */
export function limitBody(maxBytes: number): MiddlewareHandler<RequestEnv> {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new ApiError(413, `The body is larger than ${maxBytes} bytes; shorten it`);
    },
  });
}
