/** The console from the driver's side: what is malformed, ports and who opened them, bytes both ways with back-pressure. */
import { describe, expect, it } from 'vitest'
import { type ConsoleBackend, ConsoleDevice, type ConsolePort, consoleModel, consoleQueue } from '../index.ts'
import { TestDriver } from '../testing.ts'

const ports: readonly ConsolePort[] = [{ name: 'tty', use: 'console' }, { name: 'virga.agent' }]
const { controlIn, controlOut } = consoleQueue
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (of: string) => new TextEncoder().encode(of)

class Backend implements ConsoleBackend {
  room = Number.POSITIVE_INFINITY
  got = ''
  readonly events: string[] = []

  output(port: number, pieces: readonly Uint8Array[]): number {
    const all = pieces.flatMap((piece) => [...piece])
    const taken = all.slice(0, this.room)
    this.room -= taken.length
    this.got += taken.length === 0 ? '' : `${port}:${text(Uint8Array.from(taken))} `
    return taken.length
  }

  inputRoom(port: number): void {
    this.events.push(`room ${port}`)
  }

  guestOpened(port: number, isOpen: boolean): void {
    this.events.push(`${isOpen ? 'open' : 'closed'} ${port}`)
  }
}

function open(features = [0, 1]) {
  const backend = new Backend()
  const device = new ConsoleDevice(ports, backend)
  const driver = new TestDriver(consoleModel('console0', ports), device, { features, queueSize: 16 }).start()
  const say = (port: number, event: number, value: number) => {
    driver.queue(controlOut).submit([new Uint8Array(Uint32Array.of(port, event | (value << 16)).buffer)])
    driver.run(controlOut)
  }
  const heard = () =>
    driver
      .queue(controlIn)
      .completed()
      .map(({ data, written }) => {
        const view = new DataView(data.buffer)
        return [
          view.getUint32(0, true),
          view.getUint16(4, true),
          view.getUint16(6, true),
          text(data.subarray(8, written)),
        ]
      })
  return { backend, device, driver, say, heard }
}

describe('a driver that is broken', () => {
  it.each([
    ['says half a message', controlOut, [new Uint8Array(7)]],
    ['wants its message back', controlOut, [new Uint8Array(8), 1]],
    ['has output to be written', consoleQueue.out(1), [bytes('x'), 1]],
  ])('%s and needs a reset', (_, queue, parts) => {
    const { driver, backend } = open()
    driver.queue(queue).submit(parts)
    driver.run(queue)
    expect([driver.status & 64, backend.got]).toEqual([64, ''])
  })

  it('asks again and again and takes nothing', () => {
    const { driver, say } = open()
    for (let i = 0; i < 200 && (driver.status & 64) === 0; i++) say(0, 0, 1)
    expect(driver.status & 64).toBe(64)
  })

  it('has room for less than a message', () => {
    const { driver, say } = open()
    driver.queue(controlIn).submit([7])
    say(0, 0, 1)
    expect(driver.status & 64).toBe(64)
  })

  it('has input that is to be read', () => {
    const { driver, device, say } = open()
    say(1, 6, 1)
    driver.queue(consoleQueue.in(1)).submit([bytes('x')])
    expect([device.input(1, bytes('y')), driver.status & 64]).toEqual([0, 64])
  })
})

describe('ports', () => {
  it('are told when the driver is ready, with their names, once there is room', () => {
    const { driver, device, say, heard } = open()
    device.setHostOpen(1, true)
    say(0, 0, 1)
    for (let i = 0; i < 10; i++) driver.queue(controlIn).submit([100])
    driver.run(controlIn)
    expect(heard()).toEqual([
      [0, 1, 1, ''],
      [1, 1, 1, ''],
    ])
    say(0, 3, 1)
    say(1, 3, 1)
    say(9, 3, 1)
    expect(heard()).toEqual([
      [0, 4, 1, ''],
      [0, 7, 1, 'tty'],
      [1, 7, 1, 'virga.agent'],
      [1, 6, 1, ''],
    ])
    device.setHostOpen(1, false)
    device.setHostOpen(1, false)
    expect(heard()).toEqual([[1, 6, 0, '']])
    expect([driver.read(4, 0, 2), driver.read(4, 2, 2), driver.read(4, 4)]).toEqual([80, 24, 2])
  })

  it('are opened and closed by the guest, and closed by a reset', () => {
    const { driver, backend, say } = open()
    say(1, 6, 1)
    say(1, 6, 1)
    say(0, 6, 1)
    say(0, 6, 0)
    driver.status = 0
    driver.serve()
    expect(backend.events).toEqual(['open 1', 'open 0', 'closed 0', 'closed 1'])
  })

  it('have a size that changes', () => {
    const { driver, device } = open()
    device.resize(132, 50)
    expect([driver.read(4, 0, 2), driver.read(4, 2, 2), driver.messages]).toEqual([132, 50, [0]])
  })
})

describe('output', () => {
  it('is taken whole where there is room', () => {
    const { driver, backend } = open()
    driver.queue(consoleQueue.out(1)).submit([bytes('hello '), bytes('world')])
    driver.queue(consoleQueue.out(1)).submit([bytes('!')])
    driver.run(consoleQueue.out(1))
    expect([backend.got, driver.queue(consoleQueue.out(1)).completed().length]).toEqual([
      '1:hello world 1:! ',
      2,
    ])
  })

  it('waits in the guest while there is none, and loses nothing', () => {
    const { driver, backend, device } = open()
    const queue = driver.queue(consoleQueue.out(1))
    backend.room = 3
    queue.submit([bytes('hel'), bytes('lo')])
    queue.submit([bytes('world')])
    driver.run(consoleQueue.out(1))
    expect([backend.got, queue.completed()]).toEqual(['1:hel ', []])
    backend.room = 4
    device.resume(1)
    expect([backend.got, queue.completed().length]).toEqual(['1:hel 1:lo 1:wo ', 1])
    backend.room = 100
    device.resume(1)
    expect([backend.got, queue.completed().length]).toEqual(['1:hel 1:lo 1:wo 1:rld ', 1])
  })
})

describe('input', () => {
  it('goes nowhere while the guest has the port closed', () => {
    const { driver, device } = open()
    driver.queue(consoleQueue.in(1)).submit([100])
    expect(device.input(1, bytes('x'))).toBe(0)
  })

  it('fills the buffers that there are, and more when there is room again', () => {
    const { driver, device, backend, say } = open()
    const queue = driver.queue(consoleQueue.in(1))
    say(1, 6, 1)
    queue.submit([3])
    queue.submit([2, 2])
    expect(device.input(1, bytes('hello world'))).toBe(7)
    expect(queue.completed().map(({ data, written }) => text(data.subarray(0, written)))).toEqual([
      'hel',
      'lo w',
    ])
    expect([device.input(1, bytes('x')), driver.messages.length]).toEqual([0, 2])
    queue.submit([10])
    driver.run(consoleQueue.in(1))
    expect(backend.events).toEqual(['open 1', 'room 1'])
    expect(device.input(1, bytes('orld'))).toBe(4)
  })

  it('goes to port 0 alone for a driver that knows no other', () => {
    const { driver, device } = open([])
    driver.queue(consoleQueue.in(0)).submit([100])
    driver.queue(consoleQueue.in(1)).submit([100])
    expect([device.input(0, bytes('ab')), device.input(1, bytes('ab'))]).toEqual([2, 0])
  })
})
