/** Returns the header of a frame as PROTOCOL.md describes it. */
export function encodeHeader(kind, length) {
  const header = new DataView(new ArrayBuffer(6));
  header.setUint8(0, 1);
  header.setUint8(1, kind);
  header.setUint32(2, length, false);
  return new Uint8Array(header.buffer);
}
