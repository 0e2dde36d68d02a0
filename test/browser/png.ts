/**
 * Makes a screenshot small for the READMEs: 256 colours, packed as well as can be. A page's text has some thousand shades, nearly
 * all of them on the edges of letters; the rare ones become the nearest of the frequent.
 */
import { deflateSync, inflateSync } from 'node:zlib';

const MOST_COLOURS = 256;
/** Squared, in steps of the three channels. */
const LEAST_DISTANCE = 150;
const SIGNATURE_BYTES = 8;

/** @param png 8 bits a channel, red, green and blue, not interlaced: what the browser writes */
export function smaller(png: Buffer): Buffer {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  if (png[25] !== 2) throw new Error('a screenshot is red, green and blue');
  const pixels = unfiltered(inflateSync(pixelData(png)), width * 3, height);
  const used = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += 3) {
    const colour = pixels.readUIntBE(at, 3);
    used.set(colour, (used.get(colour) ?? 0) + 1);
  }
  const kept = palette([...used].sort(([, a], [, b]) => b - a).map(([colour]) => colour));
  const index = new Map([...used.keys()].map((colour) => [colour, nearest(colour, kept)]));

  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rows[y * (width + 1) + 1 + x] = index.get(pixels.readUIntBE((y * width + x) * 3, 3)) ?? 0;
    }
  }
  const head = Buffer.from(png.subarray(16, 29));
  head[9] = 3;
  const colours = Buffer.alloc(kept.length * 3);
  for (const [at, colour] of kept.entries()) colours.writeUIntBE(colour, at * 3, 3);
  return Buffer.concat([
    png.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function pixelData(png: Buffer): Buffer {
  const found: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') found.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return Buffer.concat(found);
}

/** Takes back what each row's filter did (the PNG specification, 9.2). */
function unfiltered(data: Buffer, stride: number, height: number): Buffer {
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x >= 3 ? (pixels[at - 3] ?? 0) : 0;
      const above = pixels[at - stride] ?? 0;
      const corner = x >= 3 ? (pixels[at - stride - 3] ?? 0) : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter ?? 0] ?? 0;
      pixels[at] = (data[y * (stride + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return pixels;
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [toLeft, toAbove, toCorner] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Those that differ enough from more frequent ones. */
function palette(byFrequency: readonly number[]): number[] {
  const kept: number[] = [];
  for (const colour of byFrequency) {
    if (kept.length === MOST_COLOURS) break;
    if (kept.every((one) => distance(one, colour) > LEAST_DISTANCE)) kept.push(colour);
  }
  return kept;
}

function nearest(colour: number, kept: readonly number[]): number {
  let best = 0;
  for (const [at, one] of kept.entries()) if (distance(one, colour) < distance(kept[best] ?? 0, colour)) best = at;
  return best;
}

const distance = (a: number, b: number) =>
  ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;

function chunk(type: string, data: Buffer): Buffer {
  const made = Buffer.alloc(data.length + 12);
  made.writeUInt32BE(data.length);
  made.write(type, 4, 'latin1');
  data.copy(made, 8);
  made.writeUInt32BE(Bun.hash.crc32(made.subarray(4, 8 + data.length)), 8 + data.length);
  return made;
}
