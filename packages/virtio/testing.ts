/** Side door of @virga/virtio for tests: memory, a driver and a disk on a bench. */
export { BytesDisk } from './testing/bytes-disk.ts'
export { BytesMemory } from './testing/bytes-memory.ts'
export { type DriverOptions, layout, type Part, TestDriver } from './testing/driver.ts'
export { attack, Seeded } from './testing/hostile-driver.ts'
