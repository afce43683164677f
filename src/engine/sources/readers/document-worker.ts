// The thread that reads documents which are large or have to be unpacked; reading-thread.ts starts it.
import { once } from "node:events";
import { parentPort } from "node:worker_threads";
import { type DocumentPart, type ThreadReply, toParts, toUnreadable } from "./document-parts.ts";
import { DOCUMENT_LIMITS, READING_LIMITS } from "../limits.ts";
import { readLargeData } from "./data-records.ts";
import { dataExtensionOf, formatOf, type TextExtension } from "./formats.ts";
import { FileGone, readBytes, readWithinLimit } from "./open-file.ts";
import { readBinaryFile } from "./read-binary.ts";
import { parseText } from "./read-text.ts";

/** The program waits for many of them before it takes the thread for stuck. */
const HEARTBEAT_MS = 1_000;

const port = parentPort;
if (port === null) throw new Error("document-worker runs in a worker thread");
const send = (reply: ThreadReply) => port.postMessage(reply);
const receive = async (): Promise<string> => {
  const messages: readonly unknown[] = await once(port, "message");
  return String(messages[0]);
};

setInterval(() => send({ kind: "alive" }), HEARTBEAT_MS);
for (;;) {
  const path = await receive();
  try {
    for await (const part of readParts(path)) {
      send(part);
      // The program asks for each further part, so that none piles up while it stores.
      await receive();
    }
    send({ kind: "end" });
  } catch (error) {
    if (error instanceof FileGone) send({ kind: "gone" });
    else send({ kind: "unreadable", message: toUnreadable(error).message });
  }
}

async function* readParts(path: string): AsyncGenerator<DocumentPart, void> {
  const format = formatOf(path);
  if (format === null) throw new Error(`${path} is no document`);
  if (format.kind === "binary") yield* toParts(await readBinaryFile(path, format.extension));
  else yield* readTextFile(path, format.extension);
}

async function* readTextFile(
  path: string,
  extension: TextExtension,
): AsyncGenerator<DocumentPart, void> {
  const data = dataExtensionOf(extension);
  const bytes =
    data === null
      ? await readWithinLimit(path, DOCUMENT_LIMITS.textBytes)
      : await readBytes(path, READING_LIMITS.wholeDataBytes);
  if (bytes !== null) yield* toParts(await parseText(bytes, extension));
  else if (data !== null) yield* readLargeData(path, data);
}
