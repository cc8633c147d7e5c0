import { readFileSync } from 'node:fs'
import { makeHart, kernelLeaf, userLeaf, ramBase, pte } from './hart.ts'
import { makeTables } from './tables.ts'
import { hartOffset } from '../../hart/layout.ts'
const hart = makeHart()
hart.openPmp()
const m = new WebAssembly.Module(readFileSync('/tmp/rtbench/bench.wasm'))
const memory = (hart as any).memory, runtime = (hart as any).runtime
const b = new WebAssembly.Instance(m, { env: { memory, abort() {} }, runtime }).exports as any
const t = makeTables(hart, 'sv39', 1), t2 = makeTables(hart,'sv39',2)
t.map(0x1000n, ramBase + 0x10000, kernelLeaf)
t.map(0xffffffd600000000n, ramBase + 0x10000, kernelLeaf|pte.G)
t.map(0x3000n, ramBase + 0x10000, userLeaf)
t.use(); hart.set('medeleg', 0xb1ffn); hart.set('mideleg',0x222n); hart.become(1)
const time = (name: string, f: (n: number) => void) => {
  f(200000); f(200000)
  let best = 1e9
  for (let i = 0; i < 5; i++) { const s = performance.now(); f(1e6); best = Math.min(best, performance.now() - s) }
  console.log(name.padEnd(28), best.toFixed(1), 'ns')
}
const H = 0x10000
time('load_slow', (n) => b.b_load(H, n, 0x1000n))
time('load_slow kernel', (n) => b.b_load(H, n, 0xffffffd600000000n))
time('fetch_slow', (n) => b.b_fetch(H, n, 0x1000n))
time('csr sscratch', (n) => b.b_csr(H, n, 0x140, 5n, 0))
time('csr sepc', (n) => b.b_csr(H, n, 0x141, 5n, 0))
time('csrs sstatus SUM', (n) => b.b_csr(H, n, 0x100, 1n << 18n, 1))
time('csrw sstatus SUM toggling', (n) => { b.b_csr(H, n/2, 0x100, 1n << 18n, 1); b.b_csr(H, n/2, 0x100, 1n << 18n, 2) })
time('csrs sie', (n) => b.b_csr(H, n, 0x104, 0n, 1))
time('csrr time', (n) => b.b_csr(H, n, 0xc01, 0n, 1))
time('satp x2', (n) => b.b_satp(H, n, t.satp, t2.satp))
time('sfence addr', (n) => b.b_sfa(H, n, 0x1000n, 0n, 1))
time('sfence asid', (n) => b.b_sfa(H, n, 0n, 1n, 2))
time('sfence all', (n) => b.b_sfa(H, n/10, 0n, 0n, 0))
t.use()
hart.set('mstatus', hart.get('mstatus') & ~(1n<<8n)); hart.become(0)
time('trap+sret', (n) => b.b_trapsret(H, n, hartOffset.excCause!))
time('enter', (n) => b.b_enter(H, n))

hart.become(3)
time('load_slow M', (n) => b.b_load(H, n, BigInt(ramBase)))
hart.become(1)
time('load_slow S', (n) => b.b_load(H, n, 0x1000n))
time('load_slow S', (n) => b.b_load(H, n, 0x1000n))
