/**
 * Which Debian mirror to use: VIRGA_DEBIAN_MIRROR, or else the one that this machine's apt uses.
 * Whatever release the machine itself runs: a mirror of the main archive has trixie for riscv64, too; and it need
 * not be trusted, since all that is fetched is checked against Debian's signature.
 */

import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { ok, type Result, userError } from '@virga/base'

/** Root of the mirror. */
export async function findMirror(
  environment: NodeJS.ProcessEnv,
  aptFolder = '/etc/apt',
): Promise<Result<string>> {
  const wanted = environment.VIRGA_DEBIAN_MIRROR ?? ''
  if (wanted !== '') {
    return isHttp(wanted)
      ? ok(wanted)
      : userError(`VIRGA_DEBIAN_MIRROR is ${wanted}; set it to the http or https address of a Debian mirror`)
  }
  const found = chooseMirror(
    (await readSources(aptFolder)).flatMap(({ name, text }) => parseSources(name, text)),
  )
  return found === undefined
    ? userError('no Debian mirror is known: set VIRGA_DEBIAN_MIRROR to the http or https address of one')
    : ok(found)
}

/** A source of binary packages that apt is set up with. */
export interface AptSource {
  readonly url: string
  readonly suite: string
  readonly components: readonly string[]
}

/** Sources in a file of sources.list.d called `name`, or in sources.list itself; disabled ones are left out. */
export function parseSources(name: string, text: string): AptSource[] {
  return name.endsWith('.sources') ? parseDeb822Sources(text) : text.split('\n').flatMap(parseLine)
}

/** The mirror of Debian's main archive among `sources`: one for trixie if there is one, else the first. */
export function chooseMirror(sources: readonly AptSource[]): string | undefined {
  const usable = sources.filter(
    ({ url, suite, components }) =>
      isHttp(url) && isDebianSuite(suite) && components.includes('main') && /\/debian\/?$/.test(url),
  )
  const best = usable.find(({ suite }) => suite === 'trixie') ?? usable[0]
  return best?.url.replace(/\/+$/, '')
}

const debianReleases = [
  ...['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable', 'sid'],
  ...['buster', 'bullseye', 'bookworm', 'trixie', 'forky', 'duke'],
]

/** Security updates come from another archive, which does not have the rest. */
function isDebianSuite(suite: string): boolean {
  const [release = '', ...rest] = suite.split(/[-/]/)
  return debianReleases.includes(release) && !rest.includes('security')
}

function isHttp(url: string): boolean {
  return /^https?:\/\/./.test(url) && URL.canParse(url)
}

/** `deb [options] URL SUITE COMPONENT…`, the one-line form of sources.list(5). */
function parseLine(line: string): AptSource[] {
  const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line)
  const [, url, suite, components] = match ?? []
  if (url === undefined || suite === undefined || components === undefined) return []
  return [{ url, suite, components: words(components) }]
}

/** Stanzas of fields, the other form of sources.list(5). */
function parseDeb822Sources(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const uncommented = stanza.replace(/^#.*\n?/gm, '')
    const field = (name: string): string[] =>
      words(new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(uncommented)?.[1] ?? '')
    if (!field('Types').includes('deb') || /^no$/i.test(field('Enabled').join())) return []
    const components = field('Components')
    return field('URIs').flatMap((url) => field('Suites').map((suite) => ({ url, suite, components })))
  })
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

interface SourceFile {
  readonly name: string
  readonly text: string
}

/** A machine without apt, or that keeps its files to itself, has no sources. */
async function readSources(aptFolder: string): Promise<SourceFile[]> {
  const partsFolder = path.join(aptFolder, 'sources.list.d')
  const parts = await fs.readdir(partsFolder).catch(() => [])
  const files = [
    path.join(aptFolder, 'sources.list'),
    ...parts
      .filter((name) => /\.(list|sources)$/.test(name))
      .sort()
      .map((name) => path.join(partsFolder, name)),
  ]
  const read = files.map(async (file) => ({
    name: file,
    text: await fs.readFile(file, 'utf8').catch(() => ''),
  }))
  return await Promise.all(read)
}
