/** Whole percent of a confidence from 0 to 1. Only certainty is 0 or 100: 0.997 is no promise, and is shown as 99. */
export function confidencePercent(confidence: number): number {
  const percent = Math.round(confidence * 100);
  if (confidence > 0 && confidence < 1) return Math.min(99, Math.max(1, percent));
  return percent;
}
