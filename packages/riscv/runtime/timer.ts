/** The supervisor timer of Sstc: STIP in mip follows stimecmp. @spec riscv-priv "Sstc" */
import { ENVCFG_STCE, STIP } from './fields'
import { HART_MENVCFG, HART_MIP, HART_STIMECMP } from './generated/layout'
import { clock } from './host'

/** Whether stimecmp drives STIP. */
export function has_supervisor_timer(hart: u32): bool {
  return (load<i64>(hart, HART_MENVCFG) & ENVCFG_STCE) !== 0
}

/** Makes STIP what stimecmp says now. Does nothing when software drives it. */
export function update_supervisor_timer(hart: u32): void {
  if (!has_supervisor_timer(hart)) return
  const expired = (clock() as u64) >= load<u64>(hart, HART_STIMECMP)
  const pending = (atomic.load<i32>(hart, HART_MIP) & (STIP as i32)) !== 0
  if (expired === pending) return
  if (expired) atomic.or<i32>(hart, STIP as i32, HART_MIP)
  else atomic.and<i32>(hart, ~(STIP as i32), HART_MIP)
}
