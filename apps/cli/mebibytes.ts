/** Sizes as the program prints them. */

/** `1.2 MiB`. */
export function mebibytes(byteCount: number): string {
  return `${(byteCount / 2 ** 20).toFixed(1)} MiB`
}
