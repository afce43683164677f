/** Where the directory of a zip archive ends, and the fields there. Source: PKWARE APPNOTE 6.3, sections 4.3.12 and 4.3.16. */
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;

/** How many bytes the archive has unpacked, as its directory says; null when it has none. Reads, and unpacks nothing. */
export function unpackedSize(bytes: Buffer): number | null {
  const end = findEnd(bytes);
  if (end === null) return null;
  let total = 0;
  let at = bytes.readUInt32LE(end + 16);
  for (let entries = bytes.readUInt16LE(end + 10); entries > 0; entries -= 1) {
    if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) return null;
    total += bytes.readUInt32LE(at + 24);
    const variable = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
    at += ENTRY_BYTES + variable.reduce((sum, length) => sum + length, 0);
  }
  return total;
}

function findEnd(bytes: Buffer): number | null {
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at -= 1) {
    if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  return null;
}
