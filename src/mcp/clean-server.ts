import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  McpServer,
  type Transport,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { cleanValue } from "../text/clean-text.ts";

/**
 * A server that cleans the text of all its messages: results, errors and progress, on every transport. Ids and tokens of
 * the protocol stay as they came.
 */
export class CleanServer extends McpServer {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(cleanMessage(message), options);
    return super.connect(transport);
  }
}

function cleanMessage(message: JSONRPCMessage): JSONRPCMessage {
  if ("result" in message) return { ...message, result: cleanValue(message.result) };
  if ("error" in message) return { ...message, error: cleanValue(asInvalidParams(message.error)) };
  if (message.params === undefined) return message;
  const { _meta, progressToken, ...params } = message.params;
  return {
    ...message,
    params: {
      ...cleanValue(params),
      ...(_meta !== undefined && { _meta }),
      ...(progressToken !== undefined && { progressToken }),
    },
  };
}

/** The issues of a request that its schema rejects. */
const Issues = z.array(z.object({ path: z.array(z.unknown()), message: z.string() })).nonempty();
type JsonRpcError = JSONRPCErrorResponse["error"];

/** The SDK answers params that its schemas reject with an internal error and the issues as JSON. The mistake is the caller's. */
function asInvalidParams(error: JsonRpcError): JsonRpcError {
  if (error.code !== INTERNAL_ERROR || !error.message.startsWith("[")) return error;
  try {
    const issues = Issues.parse(JSON.parse(error.message));
    const lines = issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return {
      code: INVALID_PARAMS,
      message: `Invalid request: ${lines.join("; ")}`,
    };
  } catch {
    return error;
  }
}
