/**
 * The common configuration structure: features, status, queues. Rows over a virtio function's words.
 * @spec virtio-1.2 "Common configuration structure layout"
 */

import { RegisterMap } from '@virga/device'
import { queueWord } from '../queue/queue-words.ts'

/** What the rows need of a function. */
export interface CommonConfig {
  readonly queueCount: number
  /** 32 feature bits that the device offers */
  offered(word: number): number
  /** a word of the function's state */
  word(name: CommonWord): number
  setWord(name: CommonWord, value: number): void
  acceptFeatures(bits: number): void
  acceptedFeatures(): number
  status(): number
  writeStatus(value: number): void
  /** 8 bits that change with the device-specific configuration */
  configGeneration(): number
  vector(value: number): number
  /** a word of the selected queue; undefined where there is none */
  queue(index: number): number | undefined
  setQueue(index: number, value: number): void
  setQueueSize(value: number): void
  enableQueue(): void
  /** whether the selected queue is still to be reset */
  isQueueResetting(): boolean
  resetQueue(): void
}

/** The words that rows read and write as they are. */
export type CommonWord = 'deviceFeatureSelect' | 'driverFeatureSelect' | 'queueSelect' | 'configVector'

const half = 0xffff

/** 64-bit registers are two of 32 bits. */
const address = (name: string, offset: number, word: number) => ({
  name,
  offset,
  count: 2,
  read: (c: CommonConfig, i: number) => c.queue(word + i) ?? 0,
  write: (c: CommonConfig, v: number, i: number) => c.setQueue(word + i, v),
})

const select = (name: string, offset: number, word: CommonWord) => ({
  name,
  offset,
  read: (c: CommonConfig) => c.word(word),
  write: (c: CommonConfig, v: number) => c.setWord(word, v),
})

export const commonConfig = new RegisterMap<CommonConfig>([
  select('device_feature_select', 0, 'deviceFeatureSelect'),
  { name: 'device_feature', offset: 4, read: (c) => c.offered(c.word('deviceFeatureSelect')) },
  select('driver_feature_select', 8, 'driverFeatureSelect'),
  {
    name: 'driver_feature',
    offset: 12,
    read: (c) => c.acceptedFeatures(),
    write: (c, v) => c.acceptFeatures(v),
  },
  {
    name: 'config_msix_vector',
    offset: 16,
    read: (c) => c.word('configVector'),
    write: (c, v) => c.setWord('configVector', c.vector(v & half)),
  },
  { name: 'num_queues', offset: 18, read: (c) => c.queueCount },
  { name: 'device_status', offset: 20, read: (c) => c.status(), write: (c, v) => c.writeStatus(v & 0xff) },
  { name: 'config_generation', offset: 21, read: (c) => c.configGeneration() },
  {
    name: 'queue_select',
    offset: 22,
    read: (c) => c.word('queueSelect'),
    write: (c, v) => c.setWord('queueSelect', v & half),
  },
  {
    name: 'queue_size',
    offset: 24,
    read: (c) => c.queue(queueWord.size) ?? 0,
    write: (c, v) => c.setQueueSize(v & half),
  },
  {
    name: 'queue_msix_vector',
    offset: 26,
    read: (c) => c.queue(queueWord.vector) ?? half,
    write: (c, v) => c.setQueue(queueWord.vector, c.vector(v & half)),
  },
  {
    name: 'queue_enable',
    offset: 28,
    read: (c) => c.queue(queueWord.enable) ?? 0,
    write: (c, v) => {
      if ((v & half) === 1) c.enableQueue()
    },
  },
  { name: 'queue_notify_off', offset: 30, read: (c) => c.word('queueSelect') },
  address('queue_desc', 32, queueWord.descriptors),
  address('queue_driver', 40, queueWord.driver),
  address('queue_device', 48, queueWord.device),
  { name: 'queue_notify_data', offset: 56 },
  {
    name: 'queue_reset',
    offset: 58,
    read: (c) => (c.isQueueResetting() ? 1 : 0),
    write: (c, v) => {
      if ((v & half) === 1) c.resetQueue()
    },
  },
])
