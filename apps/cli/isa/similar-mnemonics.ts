/** Guesses which instruction a person meant. */

import { compressedInstructions, instructions } from '@virga/riscv/table'

const guessesMax = 5

/** The mnemonics nearest to `text`, at most five, none that has less than two thirds of it. */
export function similarMnemonics(text: string): string[] {
  const near = [...instructions, ...compressedInstructions]
    .map(({ mnemonic }) => ({ mnemonic, distance: editDistance(text, mnemonic) }))
    .filter(({ distance }) => distance <= text.length / 3)
    .sort((a, b) => a.distance - b.distance)
  const best = near[0]?.distance
  return near
    .filter(({ distance }) => distance === best)
    .slice(0, guessesMax)
    .map(({ mnemonic }) => mnemonic)
}

/** Letters to insert, delete or replace to turn one into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
