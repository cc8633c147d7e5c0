/**
 * The layers of Virga: who may import whom. An import goes to a strictly lower rank; the drawing is in
 * ARCHITECTURE.md. A new package gets its line here first.
 */

/** Rank of each package, each app and each folder of tooling. The command is a client of the host: RFD 5. */
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
const appRanks: Readonly<Record<string, number>> = { host: 4, cli: 5 }
const folderRanks: Readonly<Record<string, number>> = { infra: 6, tests: 7 }

/** The rank of a file by its path, or undefined for a package or app without a line above. */
export function rankOf(path: string): number | undefined {
  const [top = '', name = ''] = path.split('/')
  if (top === 'packages') return packageRanks[name]
  return top === 'apps' ? appRanks[name] : folderRanks[top]
}
