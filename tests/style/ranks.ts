/**
 * The layers of Virga: who may import whom. An import goes to a strictly lower rank; the drawing is in
 * ARCHITECTURE.md. A new package gets its line here first.
 */

/** Rank of each package, app (all alike) and folder of tooling. */
const packageRanks: Readonly<Record<string, number>> = {
  base: 0,
  contract: 1,
  wasm: 1,
  packet: 1,
  device: 1,
  client: 2,
  control: 2,
  riscv: 2,
  virtio: 2,
  fabric: 2,
  volume: 2,
  db: 3,
  vmm: 3,
  guest: 3,
}
const folderRanks: Readonly<Record<string, number>> = { apps: 4, infra: 5, tests: 6 }

/** The rank of a file by its path, or undefined for a package without a line above. */
export function rankOf(path: string): number | undefined {
  const [top = '', name = ''] = path.split('/')
  return top === 'packages' ? packageRanks[name] : folderRanks[top]
}
