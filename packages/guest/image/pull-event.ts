/** What a pull tells of its progress, in the order it happens. */

/** Who draws a bar draws one for each `label`; `totalBytes` never changes for a label. */
export type PullEvent =
  /** Another program pulls; this one goes on when that one is done. */
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'fetching'
      readonly label: string
      readonly receivedBytes: number
      readonly totalBytes: number
    }
  | { readonly kind: 'verified'; readonly label: string }
  | { readonly kind: 'unpacking'; readonly label: string }
  | { readonly kind: 'built'; readonly name: string; readonly bytes: number }
