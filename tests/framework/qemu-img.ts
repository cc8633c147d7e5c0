/** The outside judge of disks: qemu-img and qemu-io (Debian's qemu-utils). */

import { spawnSync } from 'node:child_process'

/** How a run ended. */
export interface QemuImgEnd {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `qemu-img` in `folder` and returns how it ended. Throws what to install when there is none. */
export function tryQemuImg(folder: string, ...args: readonly string[]): QemuImgEnd {
  return run('qemu-img', folder, args)
}

/** Runs `qemu-img` in `folder` and returns what it printed. Throws when it says that something is wrong. */
export function qemuImg(folder: string, ...args: readonly string[]): string {
  return demand('qemu-img', folder, args)
}

/** Runs commands of `qemu-io` on a qcow2 image. */
export function qemuIo(folder: string, image: string, ...commands: readonly string[]): string {
  return demand('qemu-io', folder, ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), image])
}

function demand(program: string, folder: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run(program, folder, args)
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`)
  return stdout
}

function run(program: string, folder: string, args: readonly string[]): QemuImgEnd {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`${program} is missing: install qemu-utils`, { cause: error })
  return { status, stdout, stderr }
}
