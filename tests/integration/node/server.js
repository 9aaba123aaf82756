// A server on Node's `ws`: node server.js TRUTH
//
// The URL is printed as the first line. Under /echo every message comes back to who sent it; anywhere
// else it goes to all who are in the room of the URL (?room=…&user=…). What was done with the messages
// of rooms is written to TRUTH at the end, as tests/delivery/record.py describes it.

import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const MODULES = process.env.NODE_MODULES
const { WebSocketServer } = createRequire(`${MODULES}/`)('ws')

const COLUMNS =
  'instant_ns,event,connection,user,room,run,marker_room,worker,sequence,planned_ns'
const FIELDS = [6, 6, 2, 8, 12]

const lines = [COLUMNS]
const rooms = new Map()
let connections = 0

function digits(text) {
  let value = 0n
  for (const letter of text) value = value * 32n + BigInt(parseInt(letter, 32))
  return value
}

// The fields of the first marker in a message, by the rule that the documentation gives.
function token(data) {
  let place = data.indexOf('SWX1')
  if (place < 0) return null
  place += 4
  return FIELDS.map((length) => digits(data.toString('latin1', place, (place += length))))
}

function note(event, member, marker) {
  const values = [process.hrtime.bigint(), event, member.number, member.user, member.room]
  lines.push(values.concat(marker ?? ['', '', '', '', '']).join(','))
}

function relay(member, data, isBinary) {
  const marker = token(data)
  if (marker) note('received', member, marker)
  for (const other of rooms.get(member.room)) {
    const open = other.socket.readyState === 1
    if (marker) note(open ? 'sent' : 'unsent', other, marker)
    if (open) other.socket.send(data, { binary: isBinary })
  }
}

function enter(member) {
  note('opened', member)
  note('joined', member)
  if (!rooms.has(member.room)) rooms.set(member.room, new Set())
  rooms.get(member.room).add(member)
}

function leave(member) {
  rooms.get(member.room).delete(member)
  note('left', member)
}

const http = createServer()
const server = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 } })
// A member before the answer leaves, for from then on it may expect messages: what comes between
// this and `connection` is in the same turn of the loop.
server.on('headers', (_, request) => {
  const { pathname, searchParams } = new URL(request.url, 'ws://localhost')
  if (pathname === '/echo') return
  const [user, room] = ['user', 'room'].map((name) => searchParams.get(name) ?? '')
  request.member = { number: connections++, user, room }
  enter(request.member)
})
server.on('connection', (socket, request) => {
  const member = request.member
  socket.on('error', () => {})
  if (!member) {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    return
  }
  member.socket = socket
  socket.on('message', (data, isBinary) => relay(member, data, isBinary))
  socket.on('close', () => leave(member))
})
process.on('SIGTERM', () => {
  writeFileSync(process.argv[2], lines.join('\n') + '\n')
  process.exit(0)
})
http.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(`listening on ws://127.0.0.1:${http.address().port}/`)
})
