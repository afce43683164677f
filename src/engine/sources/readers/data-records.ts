import { type Block, type DocumentSection, groupSections } from "../document.ts";
import { DOCUMENT_LIMITS } from "../limits.ts";
import { decodeChunks, describeBroken, detectEncoding, REPLACEMENT } from "./decode-text.ts";
import {
  type DataRecord,
  type DocumentHead,
  type DocumentPart,
  toPassageParts,
} from "./document-parts.ts";
import type { DataExtension } from "./formats.ts";
import { openFile, refuseSize } from "./open-file.ts";

type RecordReader = (chunks: AsyncIterable<string>, sample: string) => AsyncIterable<DataRecord>;

const csv = async (): Promise<RecordReader> => (await import("./csv.ts")).readCsvRecords;
const jsonLines = async (): Promise<RecordReader> =>
  (await import("./json.ts")).readJsonLineRecords;

const READERS: Record<DataExtension, () => Promise<RecordReader>> = {
  ".csv": csv,
  ".tsv": csv,
  ".json": async () => (await import("./json.ts")).readJsonRecords,
  ".jsonl": jsonLines,
  ".ndjson": jsonLines,
};

/** Enough to know the encoding and the separator of a table. */
const SAMPLE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Reads a file of rows or records piece by piece, in little memory. Throws what {@link openFile} and the readers throw. */
export async function* readLargeData(
  path: string,
  extension: DataExtension,
): AsyncGenerator<DocumentPart, void> {
  const read = await READERS[extension]();
  const { file, sizeBytes } = await openFile(path);
  try {
    if (sizeBytes > DOCUMENT_LIMITS.dataBytes) throw refuseSize(DOCUMENT_LIMITS.dataBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    const bytes = buffer.subarray(0, bytesRead);
    // A character may be cut in two at its end.
    const sample = bytes.subarray(0, bytes.lastIndexOf("\n") + 1 || bytesRead);
    const { label, problem } = detectEncoding(sample);
    const stream = file.createReadStream({
      start: 0,
      // A file that grows all the time has an end too.
      end: sizeBytes - 1,
      highWaterMark: CHUNK_BYTES,
      autoClose: false,
    });
    let broken = 0;
    async function* decode(): AsyncGenerator<string, void> {
      for await (const chunk of decodeChunks(stream, label)) {
        broken += chunk.split(REPLACEMENT).length - 1;
        yield chunk;
      }
    }
    yield* toParts(read(decode(), new TextDecoder(label).decode(sample)));
    const problems = broken > 0 ? describeBroken(broken) : problem;
    if (problems !== null) yield { kind: "problems", problems: [problems] };
  } finally {
    await file.close();
  }
}

/** How many letters of records are cut into passages at once. */
const BATCH_CHARS = 100_000;

async function* toParts(records: AsyncIterable<DataRecord>): AsyncGenerator<DocumentPart, void> {
  const head: DocumentHead = { title: null, url: null, publishedOn: null };
  let isHeadSent = false;
  for await (const batch of toBatches(records)) {
    for (const record of batch) {
      head.title ??= record.head?.title ?? null;
      head.url ??= record.head?.url ?? null;
      head.publishedOn ??= record.head?.publishedOn ?? null;
    }
    // It comes first, so that what stands below the first records is too late.
    if (!isHeadSent) yield { kind: "head", head };
    isHeadSent = true;
    yield* toPassageParts(toSections(batch));
  }
}

async function* toBatches(records: AsyncIterable<DataRecord>): AsyncGenerator<DataRecord[], void> {
  let batch: DataRecord[] = [];
  let chars = 0;
  for await (const record of records) {
    batch.push(record);
    for (const { text } of record.blocks) chars += text.length;
    if (chars < BATCH_CHARS) continue;
    yield batch;
    batch = [];
    chars = 0;
  }
  yield batch;
}

function toSections(batch: readonly DataRecord[]): DocumentSection[] {
  const blocks: Block[] = [];
  let heading: string | null = null;
  for (const record of batch) {
    if (record.heading !== heading) {
      // One without text ends the list.
      blocks.push({ kind: "heading", level: 1, text: record.heading ?? "" });
      heading = record.heading;
    }
    blocks.push(...record.blocks);
  }
  return groupSections(blocks, null);
}
