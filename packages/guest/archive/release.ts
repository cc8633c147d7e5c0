/**
 * The Release file of an archive: signed by Debian, it has the hash of every index; each index has the hash
 * of every package; so one signature vouches for all that is fetched, whoever the mirror is.
 * @spec debian-repository "Release files"
 */

import { ok, type Result, worldError } from '@virga/base'
import { parseStanza } from './deb822.ts'

/** What a verified Release file says. */
export interface Release {
  readonly codename: string
  /** Hash and length of the index files, by path below the suite's folder. */
  readonly indexes: ReadonlyMap<string, IndexFile>
}

/** One index file. `sha256` is lower-case hexadecimal. */
export interface IndexFile {
  readonly sha256: string
  readonly bytes: number
}

/** What to believe. */
export interface ReleaseTrust {
  /** ASCII-armored public keys; one good signature by any of them is enough. */
  readonly keys: readonly string[]
  /** Codename the file must be for, such as `trixie`: a signature on another suite says nothing of this one. */
  readonly codename: string
  /** Time to judge keys, signatures and the file's own end of validity by. */
  readonly nowMs: number
}

/** The content of `inRelease`, a clear-signed Release file, when it is to be believed. */
export async function verifyRelease(inRelease: string, trust: ReleaseTrust): Promise<Result<Release>> {
  const signed = await verifiedText(inRelease, trust)
  if (!signed.ok) return signed
  const stanza = parseStanza(signed.value)

  const codename = stanza.get('codename') ?? ''
  if (codename !== trust.codename) {
    return worldError(
      `the mirror gave the Release file of ${codename || 'no suite'}, not of ${trust.codename}`,
    )
  }
  const validUntil = stanza.get('valid-until')
  if (validUntil !== undefined && Date.parse(validUntil) < trust.nowMs) {
    return worldError(
      `the mirror's Release file was good until ${validUntil}; use a mirror that is up to date`,
    )
  }
  return ok({ codename, indexes: parseIndexes(stanza.get('sha256') ?? '') })
}

/** Only what is inside the signature: text around it is nobody's word. */
async function verifiedText(inRelease: string, { keys, nowMs }: ReleaseTrust): Promise<Result<string>> {
  // Loaded only here: a machine that starts from a cached image has no use for it.
  const openpgp = await import('openpgp')
  try {
    const verificationKeys = await Promise.all(keys.map((armoredKey) => openpgp.readKey({ armoredKey })))
    const message = await openpgp.readCleartextMessage({ cleartextMessage: inRelease })
    const { data, signatures } = await openpgp.verify({ message, verificationKeys, date: new Date(nowMs) })
    await Promise.any(signatures.map(({ verified }) => verified))
    return ok(data)
  } catch (cause) {
    return worldError(
      "the mirror's Release file has no good signature by Debian's keys; nothing from it is used. Use another mirror",
      cause,
    )
  }
}

function parseIndexes(field: string): Map<string, IndexFile> {
  const indexes = new Map<string, IndexFile>()
  for (const line of field.split('\n')) {
    const [sha256 = '', bytes = '', path = ''] = line.trim().split(/\s+/)
    if (/^[0-9a-f]{64}$/.test(sha256) && path !== '') indexes.set(path, { sha256, bytes: Number(bytes) })
  }
  return indexes
}
