/**
 * The programs that are measured, each as a piece of sh for the `bench` image. Amounts of work are such that QEMU
 * takes about a second for each, so that a machine of a tenth of its speed is done in some minutes.
 */

/** Packages of the image called `bench`. */
export const benchPackages = [
  ...['openssl', 'xz-utils', 'python3-minimal', 'perl-base', 'sqlite3', 'stress-ng'],
] as const

/** What a program mostly keeps busy; there is a mean for each. */
export type ProgramKind = 'integer' | 'float' | 'kernel'

/** One program. What it prints is read by `value`; without that, it is timed by the guest's clock. */
export interface ProgramItem {
  readonly name: string
  readonly kind: ProgramKind
  readonly script: string
  /** What must be there before; not measured. */
  readonly before?: string
  /** The program's own figure in what it prints; undefined where there is none. */
  readonly value?: (output: string) => number | undefined
  /** Unit of that figure, with whether more is better. */
  readonly unit?: { readonly name: string; readonly moreIsBetter: boolean }
}

/** Done first: a file of half a megabyte, half text and half machine code. */
export const preparation = '{ seq 40000; head -c 300000 /usr/bin/perl; } > /tmp/data'

const megabytesASecond = { name: 'MB/s', moreIsBetter: true }

/** Throughput in 8 KiB blocks, by the clock (not processor time, which a guest can misjudge). */
function opensslItem(name: string, algorithm: string): ProgramItem {
  return {
    name: `openssl ${name}`,
    kind: 'integer',
    script: `openssl speed -mr -elapsed -seconds 1 -bytes 8192 -evp ${algorithm} 2>/dev/null`,
    value: (output) => scaled(/^\+F:\d+:[^:]+:([\d.]+)/m.exec(output)?.[1], 1e-6),
    unit: megabytesASecond,
  }
}

/** Methods of stress-ng's `cpu` stressor, each a set number of times; the time is what stress-ng says it took. */
function stressItems(kind: ProgramKind, operations: Readonly<Record<string, number>>): ProgramItem[] {
  return Object.entries(operations).map(([method, count]) => ({
    name: `stress-ng ${method}`,
    kind,
    script: `stress-ng --cpu 1 --cpu-method ${method} --cpu-ops ${count} --metrics-brief 2>&1`,
    value: (output) => scaled(/ cpu +\d+ +([\d.]+) /.exec(output)?.[1], 1),
    unit: { name: 's', moreIsBetter: false },
  }))
}

function scaled(text: string | undefined, factor: number): number | undefined {
  const value = Number(text) * factor
  return value > 0 ? value : undefined
}

const pythonIntegers = `
table = {}
total = 0
for i in range(80000):
    key = (i * 7919) % 1009
    table[key] = table.get(key, 0) + i
    total ^= (i << 3) ^ (i >> 2)
words = sorted(str(i * 7919 % 10007) for i in range(15000))
print(total, len(table), words[0])`

const pythonFloats = `
x, y, z, energy = 0.1, 0.0, 0.0, 0.0
for i in range(60000):
    dx = 10.0 * (y - x)
    dy = x * (28.0 - z) - y
    dz = x * y - 2.6666666 * z
    x += dx * 0.005; y += dy * 0.005; z += dz * 0.005
    energy += (x * x + y * y + z * z) ** 0.5
print(x, energy)`

const perlLoop = `
my (%count, $total);
for my $i (1 .. 120000) {
  my $word = "w" . ($i * 7919 % 1009);
  $count{$word}++;
  $total += $1 if $word =~ /(\\d+)7$/;
}
print join(",", (sort keys %count)[0 .. 3]), " $total\\n";`

const sqliteInserts = `
CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, name TEXT);
CREATE INDEX t_k ON t(k);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
  INSERT INTO t SELECT i, i * 7919 % 10007, 'name ' || i FROM n;
COMMIT;`

const sqliteSelects = `
SELECT count(*), sum(k), max(name) FROM t;
SELECT count(*) FROM t AS a JOIN t AS b ON a.k = b.k WHERE a.id < 20000;
SELECT k % 100 AS g, count(*), avg(id) FROM t GROUP BY g ORDER BY 2 DESC, 1 LIMIT 3;
SELECT count(*) FROM t WHERE name LIKE '%99%';`

function sqlite(file: string, statements: string): string {
  return `sqlite3 /tmp/${file} <<'SQL'${statements}\nSQL`
}

/** All of them, in the order in which they run. */
export const programItems: readonly ProgramItem[] = [
  opensslItem('sha256', 'sha256'),
  opensslItem('aes-128-cbc', 'aes-128-cbc'),
  {
    name: 'openssl rsa2048 sign',
    kind: 'integer',
    script: 'openssl speed -mr -elapsed -seconds 1 rsa2048 2>/dev/null',
    value: (output) => scaled(/^\+F2:\d+:2048:([\d.]+)/m.exec(output)?.[1], 1),
    unit: { name: '1/s', moreIsBetter: true },
  },
  { name: 'gzip', kind: 'integer', script: 'for i in 1 2; do gzip -c /tmp/data | wc -c; done' },
  {
    name: 'gunzip',
    kind: 'integer',
    before: 'gzip -c /tmp/data > /tmp/data.gz',
    script: 'for i in 1 2 3 4; do gunzip -c /tmp/data.gz > /dev/null; done',
  },
  { name: 'xz', kind: 'integer', script: 'xz -1 -c /tmp/data | wc -c' },
  {
    name: 'unxz',
    kind: 'integer',
    before: 'xz -1 -c /tmp/data > /tmp/data.xz',
    script: 'for i in 1 2 3 4; do xz -dc /tmp/data.xz > /dev/null; done',
  },
  { name: 'python3 integers', kind: 'integer', script: `python3 -c '${pythonIntegers}'` },
  { name: 'python3 floats', kind: 'float', script: `python3 -c '${pythonFloats}'` },
  { name: 'perl', kind: 'integer', script: `perl -e '${perlLoop}'` },
  { name: 'sqlite3 insert', kind: 'integer', script: sqlite('insert.db', sqliteInserts) },
  {
    name: 'sqlite3 select',
    kind: 'integer',
    before: sqlite('select.db', sqliteInserts),
    script: sqlite('select.db', sqliteSelects),
  },
  ...stressItems('integer', { int64: 100, bitops: 80, crc16: 400, sieve: 250, queens: 150, hamming: 160 }),
  ...stressItems('float', { double: 40, float: 60, fft: 35, matrixprod: 4, trig: 6, explog: 40, phi: 80 }),
  { name: 'dd 4k', kind: 'kernel', script: 'dd if=/dev/zero of=/dev/null bs=4k count=25000' },
  { name: 'dd 1M', kind: 'kernel', script: 'dd if=/dev/zero of=/dev/null bs=1M count=300' },
  {
    name: 'dd to tmpfs',
    kind: 'kernel',
    script: 'dd if=/dev/zero of=/tmp/zeros bs=64k count=500; rm /tmp/zeros',
  },
  {
    name: 'fork and exec',
    kind: 'kernel',
    script: 'i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done',
  },
]
