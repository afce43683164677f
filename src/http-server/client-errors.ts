import { type Server, STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { REQUEST_ID_HEADER } from "./request-id.ts";

/** The error for bytes that are no valid request. The message has no full stop, so that it fits any API's errors. */
export interface ClientError {
  status: 400 | 408 | 431;
  message: string;
  /** Node's own message, for the log. */
  reason: string;
}

/** Logs the error, and returns the body of its answer in the words of the API that is served. */
export type AnswerClientError = (error: ClientError) => { requestId: string; body: object };

/** Long enough for an answer to reach the other side of the world. */
const LINGER_MS = 1_000;

/**
 * Answers what is not even a request: headers that are too large (431) or too slow (408), and bytes that are no HTTP
 * (400). Then the connection ends.
 */
export function answerClientErrors(server: Server, answer: AnswerClientError): void {
  const answering = new Map<Duplex, ServerResponse>();
  server.on("request", ({ socket }, response) => {
    answering.set(socket, response);
    response.once("close", () => {
      if (answering.get(socket) === response) answering.delete(socket);
    });
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Once an answer has begun, no error can be sent.
    if (!socket.writable || answering.get(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    const problem = explain(error);
    socket.end(writeAnswer(problem.status, answer(problem)));
    // Reads and forgets the rest for a moment: closing at once would take the unread answer from the client.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

function explain({ code, message: reason }: NodeJS.ErrnoException): ClientError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        status: 431,
        message: "The request line and headers are too large; shorten them",
        reason,
      };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, message: "The request did not arrive in time; send it again", reason };
    default:
      return { status: 400, message: "Malformed HTTP request", reason };
  }
}

function writeAnswer(
  status: number,
  { requestId, body }: { requestId: string; body: object },
): string {
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    "",
    text,
  ].join("\r\n");
}
