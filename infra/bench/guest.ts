/** The guest that both machines run: an image's kernel and initial RAM disk, and one command. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execArchive } from '@virga/guest'
import { pull } from '../../apps/cli/image-store.ts'
import type { Outcome } from './machines.ts'

/** What the guest is, and what it does. */
export interface Guest {
  /** An image of the cache. */
  readonly image: string
  readonly memoryMiB: number
  /** Lines of sh; the machine powers off with their status. */
  readonly command: string
}

/** QEMU's arguments for the guest that `virga run --image … --exec …` starts; its files go to `directory`. */
export async function qemuArguments(directory: string, guest: Guest): Promise<readonly string[]> {
  const image = await pull(guest.image)
  if (!image.ok) throw new Error(image.error.message)
  const { kernelPath, initrdPath } = image.value
  const initrd = join(directory, `${guest.image}-initrd`)
  writeFileSync(initrd, Buffer.concat([readFileSync(initrdPath), execArchive(guest.command)]))
  const memory = ['-m', String(guest.memoryMiB), '-smp', '1']
  // Ours has a source of random numbers, whose driver the guest loads.
  const devices = ['-device', 'virtio-rng-pci']
  return [
    ...memory,
    ...devices,
    '-kernel',
    kernelPath,
    '-initrd',
    initrd,
    '-append',
    'console=ttyS0 quiet panic=-1',
  ]
}

/** Arguments of `virga run` for the same guest. */
export function virgaArguments({ image, memoryMiB, command }: Guest): readonly string[] {
  return ['--image', image, '--memory', `${memoryMiB}MiB`, '--exec', command]
}

/** The outcome of a program that must succeed. */
export async function passed(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running
  if (outcome.status !== 0) throw new Error(`status ${outcome.status}: ${outcome.stderr}${outcome.stdout}`)
  return outcome
}
