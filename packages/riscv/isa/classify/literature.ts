/**
 * What others found about other architectures. Only what a named source says is listed; the lists of ARM's
 * offenders are not complete.
 */

export interface Offender {
  readonly instruction: string
  readonly why: string
}

export interface LiteratureEntry {
  readonly architecture: string
  readonly conclusion: string
  readonly offenders: readonly Offender[]
  readonly sources: readonly string[]
}

const each = (why: string, ...names: readonly string[]): Offender[] =>
  names.map((instruction) => ({ instruction, why }))

export const literature: readonly LiteratureEntry[] = [
  {
    architecture: 'DEC PDP-10',
    conclusion:
      'named in the paper as a third-generation machine that cannot support a virtual machine system',
    offenders: [],
    sources: [
      'G. J. Popek, R. P. Goldberg: Formal Requirements for Virtualizable Third Generation Architectures, Communications of the ACM 17(7), July 1974',
    ],
  },
  {
    architecture: 'Intel Pentium (IA-32, before VT-x)',
    conclusion:
      'not virtualizable: 17 sensitive instructions that do not trap, by the paper’s count; by name they are',
    offenders: [
      ...each('reads a descriptor-table register in user mode', 'sgdt', 'sidt', 'sldt'),
      ...each('reads the machine status word in user mode', 'smsw'),
      ...each('reads the flags, with the interrupt flag and the I/O privilege level', 'pushf'),
      ...each('in user mode leaves the interrupt flag as it was, without a trap', 'popf'),
      ...each(
        'result depends on the current privilege level and the descriptors',
        'lar',
        'lsl',
        'verr',
        'verw',
      ),
      ...each(
        'reads or loads segment registers, whose low bits are the privilege level',
        'pop',
        'push',
        'mov',
      ),
      ...each(
        'checks or changes the privilege level through gates and descriptors',
        'call',
        'jmp',
        'int n',
        'ret',
      ),
      ...each('reads the task register, with its privilege level', 'str'),
    ],
    sources: [
      'J. S. Robin, C. E. Irvine: Analysis of the Intel Pentium’s Ability to Support a Secure Virtual Machine Monitor, 9th USENIX Security Symposium, August 2000',
    ],
  },
  {
    architecture: 'ARMv4 to ARMv7-A (before the virtualization extensions)',
    conclusion:
      'ARMv7-A is shown not to be classically virtualizable, in a model extended by paging, I/O and interrupts',
    offenders: [
      ...each('in User mode writes to the mode and mask bits are ignored, without a trap', 'msr cpsr'),
      ...each('User mode has no SPSR: the result is unpredictable, not a trap', 'mrs spsr', 'msr spsr'),
      ...each('has no effect in User mode, without a trap (ARMv6 and later)', 'cps'),
      ...each('copies the SPSR, which User mode has not: unpredictable, not a trap', 'movs pc', 'subs pc'),
    ],
    sources: [
      'N. Penneman, D. Kudinskas, A. Rawsthorne, B. De Sutter, K. De Bosschere: Formal virtualization requirements for the ARM architecture, Journal of Systems Architecture 59 (2013), 144–154 (the conclusion)',
      'ARM Architecture Reference Manual, instruction CPS; ARM Compiler Assembler Reference (DUI 0489), MSR and SUBS pc, lr (the instructions)',
    ],
  },
  {
    architecture: 'RISC-V (without the hypervisor extension)',
    conclusion:
      'the privileged architecture says it is meant for classic virtualization, the guest’s system running in user mode',
    offenders: [],
    sources: [
      'The RISC-V Instruction Set Manual, Volume II: Privileged Architecture, version 1.10, "Hypervisor Extensions"',
    ],
  },
]
