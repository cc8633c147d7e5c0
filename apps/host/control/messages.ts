/** What the command and the host's process say to each other: questions and answers as JSON, checked on both sides. */

import * as z from 'zod'
import { machineStates } from '../machine/machine-state.ts'
import { machineRecord } from '../records/machine-record.ts'
import { recordName } from '../records/names.ts'
import { networkRecord } from '../records/network-record.ts'

/** Grows when an answer changes so that an older command would not understand it. */
export const protocolVersion = 1

/** A failure, as JSON. @spec problem-details "The Problem Details JSON Object" */
export const problem = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  fault: z.enum(['user', 'world']),
})

export const hostStatus = z.object({
  protocol: z.int(),
  pid: z.int(),
  startedAtMs: z.number(),
  machines: z.int(),
  running: z.int(),
  faults: z.array(z.string()),
})

export type HostStatus = z.infer<typeof hostStatus>

/** What a running machine has done since it was started. */
export const machineUse = z.object({
  wallMs: z.number(),
  instructions: z.number(),
  memoryBytes: z.number(),
  harts: z.array(z.object({ instructions: z.number(), idleMs: z.number() })),
})

export const machineStatus = z.object({
  record: machineRecord,
  state: z.enum(machineStates),
  note: z.string().optional(),
  use: machineUse.optional(),
})

export type MachineStatus = z.infer<typeof machineStatus>

export const machineList = z.object({ machines: z.array(machineStatus), faults: z.array(z.string()) })

export type MachineList = z.infer<typeof machineList>

export const networkList = z.object({ networks: z.array(networkRecord) })

/** A network that is to be. */
export const wantedNetwork = networkRecord.omit({ routerMac: true })

/** What a trace is asked about. */
export const traceQuestion = z.strictObject({
  machine: recordName,
  protocol: z.enum(['tcp', 'udp', 'icmp']),
  destination: z.union([z.ipv4(), z.ipv6()]),
  port: z.int().min(0).max(65_535),
})

export type TraceQuestion = z.infer<typeof traceQuestion>

export const traceAnswer = z.object({
  steps: z.array(
    z.object({ stage: z.string(), verdict: z.string(), rule: z.string().optional(), why: z.string() }),
  ),
  dropped: z.string().optional(),
})

export type TraceAnswer = z.infer<typeof traceAnswer>

/** What is kept of a console. */
export const printed = z.object({ text: z.string() })

/** What is upgraded to when a console is connected: bytes, both ways, without more. */
export const consoleProtocol = 'virga-console'
