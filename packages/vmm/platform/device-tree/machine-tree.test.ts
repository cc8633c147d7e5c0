/** The machine's tree as `dtc` (Debian package device-tree-compiler) reads it: no warning, and the right contents. */
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createDeviceTree, type MachineTreeOptions } from './machine-tree.ts'

const plain: MachineTreeOptions = {
  harts: 2,
  memoryBytes: 512 * 2 ** 20,
  bootargs: 'console=ttyS0 "quoted" root=/dev/vda',
  boot: 'direct',
  rngSeed: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
}

/** Source text of the tree, as dtc prints it; fails on any warning. */
function source(options: MachineTreeOptions): string {
  const dtc = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts'], {
    input: createDeviceTree(options),
    encoding: 'utf8',
  })
  expect(dtc.error, 'this test needs dtc: apt-get install device-tree-compiler').toBeUndefined()
  expect({ status: dtc.status, warnings: dtc.stderr }).toEqual({ status: 0, warnings: '' })
  return dtc.stdout
}

/** The lines of one node of the source, its children left out. */
function properties(text: string, name: string): string[] {
  const lines = text.split('\n').map((line) => line.trim())
  const first = lines.indexOf(`${name} {`)
  expect(first, `${name} is in the tree`).toBeGreaterThanOrEqual(0)
  const found: string[] = []
  let depth = 0
  for (const line of lines.slice(first + 1)) {
    if (line === '};' && depth-- === 0) break
    if (line.endsWith('{')) depth++
    else if (depth === 0 && line !== '' && line !== '};') found.push(line)
  }
  return found
}

describe('options that make no machine', () => {
  const wrong: [string, Partial<MachineTreeOptions>][] = [
    ['no hart', { harts: 0 }],
    ['too many harts', { harts: 65 }],
    ['half a hart', { harts: 1.5 }],
    ['no memory', { memoryBytes: 0 }],
    ['half a page', { memoryBytes: 2 ** 20 + 2048 }],
  ]
  for (const [what, options] of wrong) {
    it(`${what} is asserted`, () =>
      expect(() => createDeviceTree({ ...plain, ...options })).toThrow('assertion failed'))
  }
})

describe('machine tree', () => {
  for (const boot of ['direct', 'bare'] as const) {
    for (const harts of [1, 2, 11, 64]) {
      if (boot === 'direct') {
        it(`is one that dtc finds nothing wrong with (AIA, ${harts} harts)`, () => {
          expect(source({ ...plain, harts, interrupts: 'aia' })).not.toContain('sifive,plic')
        })
      }
      it(`is one that dtc finds nothing wrong with (${boot}, ${harts} harts)`, () => {
        const text = source({ ...plain, boot, harts, initrd: { start: 0x8400_0000, end: 0x8500_0001 } })
        const count = (what: string) => text.split(what).length - 1
        expect([count('device_type = "cpu"'), count('"riscv,cpu-intc"')]).toEqual([harts, harts])
        expect(count('clint@2000000 {')).toBe(boot === 'bare' ? 1 : 0)
      })
    }
  }

  it('tells memory, command line, initrd and seeds', () => {
    const text = source({
      ...plain,
      memoryBytes: 6 * 2 ** 30,
      initrd: { start: 0x8400_0000, end: 0x1_0000_0001 },
      kaslrSeed: Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4),
    })
    expect(properties(text, 'memory@80000000')).toContain('reg = <0x00 0x80000000 0x01 0x80000000>;')
    const chosen = properties(text, 'chosen')
    expect(chosen).toContain('bootargs = "console=ttyS0 \\"quoted\\" root=/dev/vda";')
    expect(chosen).toContain('stdout-path = "/soc/serial@10000000";')
    expect(chosen).toContain('linux,initrd-start = <0x00 0x84000000>;')
    expect(chosen).toContain('linux,initrd-end = <0x01 0x01>;')
    expect(chosen).toContain('kaslr-seed = <0xdeadbeef 0x1020304>;')
    expect(chosen.some((line) => line.startsWith('rng-seed = <0xfffefdfc 0xfbfaf9f8'))).toBe(true)
  })

  it('says nothing of what was not given', () => {
    const chosen = properties(source(plain), 'chosen').join('\n')
    expect(chosen).not.toMatch(/initrd|kaslr/)
  })

  it('describes a hart', () => {
    const text = source({ ...plain, harts: 11 })
    const cpu = properties(text, 'cpu@a')
    expect(cpu).toContain('reg = <0x0a>;')
    expect(cpu).toContain('mmu-type = "riscv,sv57";')
    expect(cpu).toContain('riscv,cbom-block-size = <0x40>;')
    expect(cpu).toContain('riscv,cboz-block-size = <0x40>;')
    expect(cpu.find((line) => line.startsWith('riscv,isa ='))).toMatch(
      /"rv64imafdc_zicbom_zicboz_zicntr_zicond_zicsr_.*_sstc_svadu_svinval_svnapot_svpbmt"/,
    )
    const extensions = cpu.find((line) => line.startsWith('riscv,isa-extensions'))
    expect(extensions).toContain('"i\\0m\\0a\\0f\\0d\\0c\\0zicbom\\0')
    expect(extensions).not.toContain('svade')
    expect(properties(text, 'cpus')).toContain('timebase-frequency = <0x989680>;')
  })

  it('wires devices to the PLIC and the PLIC to M-mode and S-mode of each hart', () => {
    const text = source(plain)
    const plic = properties(text, 'interrupt-controller@c000000')
    expect(plic).toContain('interrupts-extended = <0x01 0x0b 0x01 0x09 0x02 0x0b 0x02 0x09>;')
    expect(plic).toContain('riscv,ndev = <0x5f>;')
    const handle = plic.find((line) => line.startsWith('phandle'))?.replace('phandle', 'interrupt-parent')
    for (const [device, interrupt] of [
      ['serial@10000000', '0x0a'],
      ['rtc@101000', '0x0b'],
    ] as const) {
      expect(properties(text, device)).toEqual(
        expect.arrayContaining([`interrupts = <${interrupt}>;`, handle]),
      )
    }
  })

  it('wires the CLINT to software and timer interrupt of each hart', () => {
    const clint = properties(source({ ...plain, boot: 'bare' }), 'clint@2000000')
    expect(clint).toContain('interrupts-extended = <0x01 0x03 0x01 0x07 0x02 0x03 0x02 0x07>;')
  })

  it('lets the kernel switch off and reboot through the finisher', () => {
    const text = source(plain)
    const handle = properties(text, 'test@100000')
      .find((line) => line.startsWith('phandle'))
      ?.replace('phandle', 'regmap')
    expect(properties(text, 'poweroff')).toEqual(expect.arrayContaining([handle, 'value = <0x5555>;']))
    expect(properties(text, 'reboot')).toEqual(expect.arrayContaining([handle, 'value = <0x7777>;']))
  })

  it('has a PCI host bridge whose pins end at four interrupts, turned by the slot', () => {
    const text = source(plain)
    const pci = properties(text, 'pci@30000000')
    expect(pci).toEqual(
      expect.arrayContaining([
        'compatible = "pci-host-ecam-generic";',
        'reg = <0x00 0x30000000 0x00 0x10000000>;',
        'ranges = <0x2000000 0x00 0x40000000 0x00 0x40000000 0x00 0x40000000 0x43000000 0x04 0x00 0x04 0x00 0x04 0x00>;',
        'interrupt-map-mask = <0x1800 0x00 0x00 0x07>;',
      ]),
    )
    const map = pci.find((line) => line.startsWith('interrupt-map ='))?.match(/0x[0-9a-f]+/g) ?? []
    const rows = Array.from({ length: map.length / 6 }, (_, i) => map.slice(6 * i, 6 * i + 6).map(Number))
    expect(rows.map(([address = 0, , , pin = 0, , interrupt]) => [address >> 11, pin, interrupt])).toEqual(
      [0, 1, 2, 3].flatMap((slot) => [1, 2, 3, 4].map((pin) => [slot, pin, 32 + ((slot + pin - 1) % 4)])),
    )
  })

  it('wires devices to the APLIC, and the APLIC and PCI to the interrupt file of each hart', () => {
    const text = source({ ...plain, interrupts: 'aia' })
    const imsics = properties(text, 'interrupt-controller@28000000')
    expect(imsics).toEqual(
      expect.arrayContaining([
        'reg = <0x00 0x28000000 0x00 0x2000>;',
        'riscv,num-ids = <0xff>;',
        'interrupts-extended = <0x01 0x09 0x02 0x09>;',
      ]),
    )
    const parent = imsics.find((line) => line.startsWith('phandle'))?.replace('phandle', 'msi-parent')
    const aplic = properties(text, 'interrupt-controller@d000000')
    expect(aplic).toEqual(expect.arrayContaining([parent, 'riscv,num-sources = <0x5f>;']))
    expect(properties(text, 'pci@30000000')).toContain(parent)
    const handle = aplic.find((line) => line.startsWith('phandle'))?.replace('phandle', 'interrupt-parent')
    expect(properties(text, 'serial@10000000')).toEqual(
      expect.arrayContaining(['interrupts = <0x0a 0x04>;', handle]),
    )
    expect(properties(text, 'cpu@0').find((line) => line.startsWith('riscv,isa ='))).toContain('_ssaia_sstc_')
  })
})
