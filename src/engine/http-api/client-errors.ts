import { randomUUID } from "node:crypto";
import { type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { ApiError } from "./api-error.ts";
import { REQUEST_ID_HEADER, toErrorBody } from "./error-answer.ts";

/**
 * Answers what is not even a request with the API's own error body: headers that are too large (431) or too slow
 * (408), and bytes that are no HTTP (400). Then the connection ends.
 */
export function answerClientErrors(server: Server, log: Logger | undefined): void {
  const answering = new Map<Duplex, ServerResponse>();
  server.on("request", ({ socket }, response) => {
    answering.set(socket, response);
    response.once("close", () => {
      if (answering.get(socket) === response) answering.delete(socket);
    });
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // An error in the middle of an answer has no place for another.
    if (!socket.writable || answering.get(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    const refId = randomUUID();
    const answer = toAnswer(error.code);
    log?.debug({ ref_id: refId, status: answer.status, reason: error.message }, "refused");
    socket.end(write(answer, refId));
    // The rest of what the client sends is read and forgotten for a moment: closing at once would take the answer,
    // which it has not read yet, from it.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

/** Long enough for an answer to reach the other side of the world. */
const LINGER_MS = 1_000;

function toAnswer(code: string | undefined): ApiError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new ApiError(431, "The request line and headers are too large; shorten them");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ApiError(408, "The request did not arrive in time; send it again");
    default:
      return new ApiError(400, "Bad request: this is not HTTP as it should be");
  }
}

function write(answer: ApiError, refId: string): string {
  const body = JSON.stringify(toErrorBody(answer, refId));
  return [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${refId}`,
    "",
    body,
  ].join("\r\n");
}
