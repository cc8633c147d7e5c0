/** What the commands of `virga volume` have in common: their flags, and how a volume is opened for them. */

import { ok, type Result } from '@virga/base'
import type { Access, OpenOptions, VolumeFormat } from '@virga/volume'
import { Option } from 'commander'
import { parseBytes } from './units.ts'

/** `text` for people, `json` for programs. */
export interface OutputFlags {
  readonly output: 'text' | 'json'
}

/** `-o, --output`. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text')
}

/** A flag that takes a format. */
export function formatOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(['qcow2', 'raw'])
}

/** Opens files of this machine. */
export async function openOptions(path: string, access: Access, format?: VolumeFormat): Promise<OpenOptions> {
  const { openDiskFile, inflateRaw } = await import('./adapters/disk-file.ts')
  return { path, access, format, openFile: openDiskFile, inflate: inflateRaw }
}

/** `10GiB` → bytes; undefined where there is no such flag. */
export function parseSize(flag: string, text: string | undefined): Result<number | undefined> {
  return text === undefined ? ok(undefined) : parseBytes(flag, text, 'space')
}
