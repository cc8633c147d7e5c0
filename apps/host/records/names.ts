/** Names of what a host has: as host names are, so that a machine is called in DNS as it is on the command line. */

import * as z from 'zod'

/** A name of a machine, network or firewall. */
export const recordName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'is no name: 1 to 63 lower-case letters, digits and hyphens',
  )
