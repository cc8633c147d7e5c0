/** Front door of @virga/base. */
export { assert, defined, unreachable } from './assert.ts'
export {
  type Cidr,
  cidrAddress,
  cidrContains,
  familyOf,
  formatCidr,
  formatIp,
  type IpAddress,
  ipv4,
  parseCidr,
  parseIp,
  sameIp,
} from './ip-address.ts'
export { broadcastMac, formatMac, isGroupMac, type MacAddress, parseMac } from './mac-address.ts'
export { type RandomWord, seededRandom } from './random.ts'
export { err, type Fault, ok, type Result, userError, type WorldError, worldError } from './result.ts'
