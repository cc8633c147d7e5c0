/**
 * The WebAssembly JavaScript interface, as far as Virga uses it. Why: TypeScript declares it only in its browser
 * libraries, whose other names (`window`, `document`, a second `setTimeout`) must not exist for our packages.
 */

declare namespace WebAssembly {
  type BufferSource = ArrayBufferView | ArrayBuffer
  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag'
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc'
  type TableKind = 'anyfunc' | 'externref'
  // biome-ignore lint/suspicious/noExplicitAny: an exported function takes and gives what its module says
  type ExportFunction = (...values: any[]) => any
  type ExportValue = ExportFunction | Global | Memory | Table | Tag
  type ImportValue = ExportValue | number | bigint
  type Imports = Record<string, Record<string, ImportValue>>
  // biome-ignore lint/suspicious/noExplicitAny: an export's kind is known to the caller alone
  type Exports = Record<string, any>

  interface ModuleImportDescriptor {
    readonly module: string
    readonly name: string
    readonly kind: ImportExportKind
  }
  interface ModuleExportDescriptor {
    readonly name: string
    readonly kind: ImportExportKind
  }
  interface MemoryDescriptor {
    /** In pages of 64 KiB, as is `maximum`. */
    initial: number
    maximum?: number
    shared?: boolean
  }
  interface TableDescriptor {
    element: TableKind
    initial: number
    maximum?: number
  }
  interface GlobalDescriptor {
    value: ValueType
    mutable?: boolean
  }

  class Module {
    constructor(bytes: BufferSource)
    /** Not there at run time: it keeps bytes from passing for a module. */
    private readonly compiled: true
    static imports(module: Module): ModuleImportDescriptor[]
    static exports(module: Module): ModuleExportDescriptor[]
    static customSections(module: Module, name: string): ArrayBuffer[]
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: ArrayBuffer | SharedArrayBuffer
    grow(deltaPages: number): number
  }
  class Table {
    constructor(descriptor: TableDescriptor, value?: unknown)
    readonly length: number
    // biome-ignore lint/suspicious/noExplicitAny: an element is whatever function was put there
    get(index: number): any
    set(index: number, value?: unknown): void
    grow(delta: number, value?: unknown): number
  }
  class Global {
    constructor(descriptor: GlobalDescriptor, value?: unknown)
    // biome-ignore lint/suspicious/noExplicitAny: number or bigint, by the descriptor
    value: any
    // biome-ignore lint/suspicious/noExplicitAny: number or bigint, by the descriptor
    valueOf(): any
  }
  class Tag {
    constructor(descriptor: { parameters: ValueType[] })
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: BufferSource): boolean
  function compile(bytes: BufferSource): Promise<Module>
  function instantiate(
    bytes: BufferSource,
    imports?: Imports,
  ): Promise<{ readonly module: Module; readonly instance: Instance }>
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
}
