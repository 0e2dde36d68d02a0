// The board's script. Reads the API, then follows /events; every change asks for a new reading, at most one a second.
// Text from outside is only ever set as textContent.
const API = '/api/v1';
const SHOWN_EVENTS = 50;
const byId = (id) => document.getElementById(id);

function row(cells, className = '') {
  const tr = document.createElement('tr');
  tr.className = className;
  for (const cell of cells) {
    const td = document.createElement('td');
    td.textContent = cell ?? '';
    tr.append(td);
  }
  return tr;
}

async function read(path) {
  const reply = await fetch(path);
  return reply.json();
}

function agentRow(agent) {
  const full = agent.online && !agent.paused && agent.load >= agent.limit;
  const state = agent.paused ? 'paused' : full ? 'online, full' : agent.online ? 'online' : 'offline';
  const sure = agent.outside_known ? '' : '?';
  const load = agent.outside > 0 || sure ? `${agent.load} (${agent.outside}${sure} outside)` : agent.load;
  const channels = agent.channels === null ? 'all' : agent.channels.join(', ');
  const className = full ? 'full' : state === 'online' ? '' : 'off';
  return row([`${agent.name} (${agent.id})`, state, load, agent.limit, channels], className);
}

async function refresh() {
  try {
    const [agents, queue, ready] = await Promise.all([
      read(`${API}/agents`),
      read(`${API}/queue?limit=50`),
      read('/health/ready'),
    ]);
    byId('agents').replaceChildren(...agents.agents.map(agentRow));
    byId('total').textContent = `(${queue.total})`;
    byId('queue').replaceChildren(
      ...queue.rooms.map((room) => row([room.position, room.room_id, room.channel_id, timeOf(room.since)])),
    );
    byId('state').textContent = ready.status === 'success' ? 'Ready' : ready.message;
    byId('sandbox').hidden = !ready.sandbox;
  } catch {
    byId('state').textContent = 'The service does not answer.';
  }
}

const timeOf = (at) => new Date(at).toLocaleTimeString();

let due = false;
function refreshSoon() {
  if (due) return;
  due = true;
  setTimeout(() => {
    due = false;
    refresh();
  }, 1000);
}

function show({ at, event, fields }) {
  const events = byId('events');
  events.prepend(row([timeOf(at), event, fields.room, fields.agent, fields.reason]));
  while (events.children.length > SHOWN_EVENTS) events.lastElementChild.remove();
  refreshSoon();
}

// EventSource tells events apart by name, and the journal may learn new ones: read the stream itself.
async function follow(after) {
  let last = after;
  try {
    const reply = await fetch(`${API}/events${last === null ? '' : `?after=${last}`}`);
    let text = '';
    for await (const chunk of reply.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop();
      for (const frame of frames) {
        const data = frame.split('\n').find((line) => line.startsWith('data: '));
        if (data === undefined) continue;
        const record = JSON.parse(data.slice(6));
        last = record.id;
        show(record);
      }
    }
  } catch {
    byId('state').textContent = 'The connection was lost; trying again.';
  }
  setTimeout(follow, 2000, last);
}

refresh();
setInterval(refresh, 15_000);
// Begin with the last ten minutes: journal ids start with their time.
follow(`${Date.now() - 600_000}-0`);
