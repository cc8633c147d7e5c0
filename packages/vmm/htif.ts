/**
 * HTIF, the host-target interface of bare-metal test programs: two 64-bit words in guest memory. @spec htif "tohost"
 *
 * ```
 *  tohost = device(8) command(8) payload(48);  the host clears it, and answers through fromhost when it is 0
 *  device 0: payload odd  → exit, status payload >> 1 (0 is a pass)
 *            payload even → address of a system call block {number, a0, a1, a2, …}; the result replaces the number
 *  device 1: command 1 → put the character of the payload; command 0 → answered once a character was typed
 * ```
 * Why polled: the words are plain memory, so a store to them is not seen; pCPUs look between slices.
 */

import type { Machine } from './machine.ts'
import { machineWord } from './machine-block.ts'

/** Device and command, as in tohost bits 48 and up. */
const systemDevice = 0n
const consoleRead = 0x100n
const consoleWrite = 0x101n
/** Parts of an answer to a read. */
const consoleDevice = 1n << 56n
const typed = 0x100n
const writeSystemCall = 64n
const unknownSystemCall = -38n
const payloadMask = (1n << 48n) - 1n
const systemCallWords = 4
/** Most bytes of one call; the caller is told how many were written. */
const writeBytesMax = 0x4000
const exitStatusMax = 255

/** Serves at most one command of a machine that has HTIF words. Any pCPU may call it; one of them takes a command. */
export function pollHtif(machine: Machine): void {
  const { htif } = machine.descriptor
  if (htif === null) return
  const { i32, i64 } = machine.arena
  answerRead(machine, htif.fromhost)
  // Not mapped: nothing was ever written there.
  const tohost = machine.slat.lookup(htif.tohost)
  if (tohost === 0 || (i32[tohost >>> 2] === 0 && i32[(tohost >>> 2) + 1] === 0)) return
  const command = BigInt.asUintN(64, Atomics.exchange(i64, tohost >>> 3, 0n))
  if (command === 0n) return
  serve(machine, command, htif.fromhost)
}

function answer(machine: Machine, fromhost: number, value: bigint): void {
  const word = machine.slat.touch(fromhost)
  if (word !== 0) Atomics.store(machine.arena.i64, word >>> 3, BigInt.asIntN(64, value))
}

/** Answers a read that waits for a character, once there is one and fromhost is free. */
function answerRead(machine: Machine, fromhost: number): void {
  if (machine.word(machineWord.htifReading) === 0) return
  const word = machine.slat.touch(fromhost)
  if (word === 0 || Atomics.load(machine.arena.i64, word >>> 3) !== 0n) return
  const byte = machine.console.read()
  if (byte < 0) return
  machine.setWord(machineWord.htifReading, 0)
  answer(machine, fromhost, consoleDevice | typed | BigInt(byte))
}

function serve(machine: Machine, command: bigint, fromhost: number): void {
  const operation = command >> 48n
  const payload = command & payloadMask
  if (operation === systemDevice) {
    if ((payload & 1n) === 1n) {
      machine.powerOff(Math.min(Number(payload >> 1n), exitStatusMax))
      return
    }
    systemCall(machine, Number(payload))
    answer(machine, fromhost, 1n)
  } else if (operation === consoleWrite) {
    machine.print(Uint8Array.of(Number(payload & 0xffn)))
  } else if (operation === consoleRead) {
    machine.setWord(machineWord.htifReading, 1)
  }
}

/** The one call that programs without a system make: write(descriptor, address, count). */
function systemCall(machine: Machine, block: number): void {
  const words = new BigUint64Array(systemCallWords)
  const bytes = new Uint8Array(words.buffer)
  if (machine.memory.read(block, bytes) !== 'done') return
  const [number, , address = 0n, count = 0n] = words
  words[0] =
    number === writeSystemCall
      ? BigInt(write(machine, address, count))
      : BigInt.asUintN(64, unknownSystemCall)
  machine.memory.write(block, bytes)
}

function write(machine: Machine, address: bigint, count: bigint): number {
  const bytes = new Uint8Array(Number(count < BigInt(writeBytesMax) ? count : BigInt(writeBytesMax)))
  if (address > payloadMask || machine.memory.read(Number(address), bytes) !== 'done') return 0
  return machine.print(bytes) ? bytes.length : 0
}
