import { Readable, pipeline } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** What {@link decodeBody} can read. */
export const ACCEPTED_ENCODINGS = "br, gzip, deflate";

/** What has arrived is handed on at once: an event must not wait for the next one. */
const ZLIB = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
};

/** The body as it was before it was compressed; as it is, when `encoding` names no compression we asked for. */
export function decodeBody(
  body: AsyncIterable<Uint8Array>,
  encoding: string | null,
): AsyncIterable<Uint8Array> {
  const decoder = createDecoder(encoding);
  if (decoder === null) return body;
  // Its errors, and those of the body, are thrown to who reads the decoder.
  pipeline(Readable.from(body), decoder, () => {});
  return decoder;
}

function createDecoder(encoding: string | null) {
  switch (encoding?.trim().toLowerCase()) {
    case "gzip":
    case "x-gzip":
      return createGunzip(ZLIB);
    case "deflate":
      return createInflate(ZLIB);
    case "br":
      return createBrotliDecompress(BROTLI);
    default:
      return null;
  }
}
