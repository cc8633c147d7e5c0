/** The order of machines, through random changes, against sorting. */
import { seededRandom } from '@virga/base'
import { expect, it } from 'vitest'
import { MachineOrder } from './machine-order.ts'
import { schedulerStateBytes, schedulerWords } from './state-words.ts'

const machines = 40
const limits = { pcpus: 1, machines, hartsPerMachine: 1 }

it.each([1, 2, 3])('is sorted, and holds each machine once, whatever changed before (seed %i)', (seed) => {
  const random = seededRandom(seed)
  const below = (limit: number) => random() % limit
  const words = schedulerWords(new SharedArrayBuffer(schedulerStateBytes(limits)), 0, limits)
  const order = new MachineOrder(words)
  words.machineCount[0] = machines
  for (let machine = 0; machine < machines; machine++) {
    words.order[machine] = machine
    words.vtime[machine] = below(100)
    words.startTag[machine] = below(100)
    words.placed[machine] = below(2)
  }
  for (let turn = 0; turn < 200; turn++) {
    const favoured = below(machines)
    const all = below(2) === 0
    const tags = [...words.startTag]
    order.update(all, favoured)
    const sorted = [...words.order]
    const expected = tags.map((tag, machine) =>
      all || (words.placed[machine] === 0 && machine !== favoured) ? words.vtime[machine] : tag,
    )
    expect([...words.startTag]).toEqual(expected)
    expect([...sorted].sort((a, b) => a - b)).toEqual([...words.startTag.keys()])
    expect(sorted.map((machine) => words.startTag[machine])).toEqual(
      [...words.startTag].sort((a, b) => a - b),
    )
    const one = below(machines)
    words.startTag[one] = words.vtime[one] = below(100)
    order.put(one)
    expect([...words.order].map((machine) => words.startTag[machine])).toEqual(
      [...words.startTag].sort((a, b) => a - b),
    )
    for (let i = 0; i < below(8); i++) words.vtime[below(machines)] = below(150)
    for (let i = 0; i < below(3); i++) words.startTag[below(machines)] = below(150)
  }
})
