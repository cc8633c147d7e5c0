/** Records on disk: kept whole whenever the writer dies, and damaged ones told in one line. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { RecordFolder } from './record-folder.ts'

const schema = z.strictObject({ name: z.string(), size: z.int().positive(), text: z.string().optional() })

function newFolder(): { path: string; records: RecordFolder<z.infer<typeof schema>> } {
  const path = join(mkdtempSync(join(tmpdir(), 'virga-records-')), 'things')
  return { path, records: new RecordFolder(path, schema) }
}

describe('records', () => {
  it('are found again, replaced and removed', async () => {
    const { path, records } = newFolder()
    expect(await records.all()).toEqual({ ok: true, value: { records: [], faults: [] } })
    expect(await records.remove('a')).toEqual({ ok: true, value: undefined })
    await records.put({ name: 'b', size: 1 })
    await records.put({ name: 'a', size: 2 })
    await records.put({ name: 'b', size: 3 })
    const again = await new RecordFolder(path, schema).all()
    const both = [
      { name: 'a', size: 2 },
      { name: 'b', size: 3 },
    ]
    expect(again).toEqual({ ok: true, value: { records: both, faults: [] } })
    await records.remove('a')
    expect(readdirSync(path)).toEqual(['b.json'])
  })

  it.each([
    ['cut off', '{"name": "bad", "si', 'no JSON'],
    ['empty', '', 'no JSON'],
    ['of another shape', '{"name": "bad", "size": -1}', 'size: '],
    ['with more in it', '{"name": "bad", "size": 1, "colour": 2}', 'colour'],
    ['of another name', '{"name": "good", "size": 1}', 'the name differs'],
    ['no object', 'null', 'expected object'],
  ])('that are %s are told in one line, and do not hide the others', async (_, text, what) => {
    const { path, records } = newFolder()
    await records.put({ name: 'good', size: 1 })
    writeFileSync(join(path, 'bad.json'), text)
    const found = await records.all()
    expect(found).toMatchObject({ ok: true, value: { records: [{ name: 'good' }] } })
    const [fault] = found.ok ? found.value.faults : []
    expect(fault?.message).toContain(join(path, 'bad.json'))
    expect(fault?.message).toContain(what)
    expect(fault?.message).not.toContain('\n')
    expect(readFileSync(join(path, 'bad.json'), 'utf8')).toBe(text)
  })

  it('survive a writer that is killed, several times', async () => {
    const { path, records } = newFolder()
    await records.put({ name: 'a', size: 1 })
    const script = join(mkdtempSync(join(tmpdir(), 'virga-records-')), 'write.ts')
    writeFileSync(
      script,
      `import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
       import { RecordFolder } from ${JSON.stringify(new URL('./record-folder.ts', import.meta.url).href)}
       const records = new RecordFolder(${JSON.stringify(path)}, z.any())
       for (let size = 1; ; size++) {
         await records.put({ name: 'a', size, text: 'x'.repeat(size % 100_000) })
         if (size === 1) process.stdout.write('writes')
       }`,
    )
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, round * 5))
      child.kill('SIGKILL')
      await once(child, 'exit')
      const found = await records.all()
      expect(found).toMatchObject({ ok: true, value: { records: [{ name: 'a' }], faults: [] } })
      expect(readdirSync(path)).toEqual(['a.json'])
    }
  })
})
