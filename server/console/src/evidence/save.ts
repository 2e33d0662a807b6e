import { drawTracks } from "./draw";
import { naturalSize, type Shown, type Trace } from "./track";

const JPEG_QUALITY = 0.92;

/** The picture or the video's current frame in full size, with the tracks drawn on it; null if nothing is shown yet. */
export function pictureWithOverlay(media: Shown, trace: Trace | null): Promise<Blob | null> {
  const size = naturalSize(media);
  if (size.width === 0) return Promise.resolve(null);
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d");
  if (context === null) return Promise.resolve(null);
  context.drawImage(media, 0, 0, size.width, size.height);
  if (trace !== null) {
    const now = media instanceof HTMLVideoElement ? trace.clipStart + media.currentTime : null;
    // Lines as thick as on a screen of 540 lines, whatever the picture's size: it will be looked at as a whole.
    drawTracks(context, size, size, Math.max(1, Math.min(size.width, size.height) / 540), { ...trace, now });
  }
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
}

/** Offers a file for saving. */
export function saveAs(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken it by then; until the address is given back the whole picture stays in memory.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A name that sorts and that every file system takes: source, time, what it is. */
export function pictureName(source: string, capturedAt: string): string {
  const safe = (text: string): string => text.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${safe(source)}_${safe(capturedAt.slice(0, 19))}_overlay.jpg`;
}
