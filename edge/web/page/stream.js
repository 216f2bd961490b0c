// The stream of pictures: multipart JPEGs, read part by part, so that each one's age is known.

const LINE = [13, 10, 13, 10];

/** Why there are no pictures: the server's own sentence. */
export class Refused extends Error {
  constructor(status, text) {
    super(text.trim());
    this.status = status;
  }
}

/** Calls show(bitmap, age) for the newest picture, age in seconds, until the stream ends. */
export async function follow(url, signal, show) {
  const answer = await fetch(url, { signal, cache: "no-store" });
  if (!answer.ok) throw new Refused(answer.status, await answer.text());
  const reader = answer.body.getReader();
  let bytes = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes = joined(bytes, value);
    const [part, rest] = newest(bytes);
    bytes = rest;
    if (part) {
      const bitmap = await createImageBitmap(new Blob([part.jpeg], { type: "image/jpeg" }));
      if (!signal.aborted) show(bitmap, part.age);
      bitmap.close();
    }
  }
}

function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** The last whole part in bytes, and what follows it. */
function newest(bytes) {
  let part = null;
  for (;;) {
    const end = find(bytes, LINE);
    if (end < 0) return [part, bytes];
    const head = new TextDecoder().decode(bytes.subarray(0, end));
    const start = end + LINE.length;
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    if (start + length + 2 > bytes.length) return [part, bytes];
    const age = Number(/^x-age: *([\d.]+)/im.exec(head)?.[1] ?? 0);
    part = { jpeg: bytes.slice(start, start + length), age };
    bytes = bytes.slice(start + length + 2);
  }
}

function find(bytes, wanted) {
  const last = Math.min(bytes.length, 1024) - wanted.length;
  for (let at = 0; at <= last; at++) {
    if (wanted.every((byte, n) => bytes[at + n] === byte)) return at;
  }
  return -1;
}
