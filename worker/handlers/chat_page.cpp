#include "worker/handlers/chat_page.h"

#include <array>
#include <string_view>

namespace holdfast::handlers {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chat</title>
<link rel="stylesheet" href="?style">
<header>
  <h1>Chat <span id="room"></span></h1>
  <p id="state" role="status">connecting</p>
</header>
<main>
  <ol id="messages" aria-live="polite"></ol>
  <aside><h2>Here: <span id="count">0</span></h2><ul id="members"></ul></aside>
</main>
<form id="form" autocomplete="off">
  <input id="name" maxlength="32" aria-label="Your name" placeholder="Your name">
  <input id="text" maxlength="4000" aria-label="Message" placeholder="Message" autofocus>
  <button>Send</button>
</form>
<script src="?script"></script>
</html>
)";

constexpr std::string_view kStyle = R"(:root { color-scheme: light dark; --line: #8884; --dim: #8889; }
* { box-sizing: border-box; }
body { margin: 0; height: 100dvh; display: flex; flex-direction: column; font: 16px/1.4 system-ui, sans-serif; }
header { display: flex; justify-content: space-between; align-items: baseline; padding: .5rem 1rem;
  border-bottom: 1px solid var(--line); }
h1 { font-size: 1.1rem; margin: 0; } h2 { font-size: .9rem; margin: 0 0 .5rem; }
header p { margin: 0; color: GrayText; font-size: .9rem; }
main { flex: 1; min-height: 0; display: flex; }
#messages { flex: 1; margin: 0; padding: 1rem; overflow-y: auto; list-style: none; }
#messages li { margin: 0 0 .3rem; overflow-wrap: anywhere; white-space: pre-wrap; }
#messages .notice { color: GrayText; font-size: .85rem; } #messages .own b { color: #27c; }
#messages time { color: GrayText; font-size: .75rem; margin-right: .5rem; }
aside { width: 12rem; padding: 1rem; border-left: 1px solid var(--line); overflow-y: auto; }
aside ul { margin: 0; padding: 0; list-style: none; }
form { display: flex; gap: .5rem; padding: .5rem 1rem; border-top: 1px solid var(--line); }
input, button { font: inherit; padding: .4rem .6rem; } #text { flex: 1; min-width: 0; } #name { width: 9rem; }
@media (max-width: 40rem) { aside { display: none; } #name { width: 6rem; } }
)";

constexpr std::string_view kScript = R"('use strict';
const element = (id) => document.getElementById(id);
const members = new Map();
let socket, own, wait = 500;

function show(text, kind, time, who) {
  const list = element('messages');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = document.createElement('li');
  item.className = kind;
  const clock = document.createElement('time');
  clock.textContent = new Date(time || Date.now()).toLocaleTimeString();
  item.append(clock);
  if (who) {
    const name = document.createElement('b');
    name.textContent = who + ' ';
    item.append(name);
  }
  item.append(text);
  list.append(item);
  while (list.children.length > 500) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function showMembers() {
  element('count').textContent = members.size;
  element('members').replaceChildren(...[...members.values()].sort().slice(0, 200).map((name) => {
    const item = document.createElement('li');
    item.textContent = name;
    return item;
  }));
}

function take(message) {
  switch (message.type) {
    case 'welcome':
      own = message.you.id;
      element('room').textContent = message.room;
      element('name').value = message.you.name;
      element('messages').replaceChildren();
      members.clear();
      for (const member of message.members) members.set(member.id, member.name);
      message.history.forEach(take);
      break;
    case 'message':
      show(message.text, message.from.id === own ? 'own' : '', message.time, message.from.name);
      return;
    case 'join':
      members.set(message.who.id, message.who.name);
      show(message.who.name + ' is here', 'notice', message.time);
      break;
    case 'leave':
      members.delete(message.who.id);
      show(message.who.name + ' has left', 'notice', message.time);
      break;
    case 'rename':
      show((members.get(message.who.id) || 'somebody') + ' is now ' + message.who.name, 'notice', message.time);
      members.set(message.who.id, message.who.name);
      break;
    case 'error':
      show(message.text, 'notice');
      return;
  }
  showMembers();
}

function connect() {
  const url = new URL(location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  if (element('name').value) url.searchParams.set('name', element('name').value);
  socket = new WebSocket(url);
  socket.onopen = () => {
    element('state').textContent = 'connected';
    wait = 500;
  };
  socket.onmessage = (event) => take(JSON.parse(event.data));
  socket.onclose = (event) => {
    element('state').textContent = 'connecting again';
    if (event.reason) show('closed: ' + event.reason, 'notice');
    setTimeout(connect, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, 15000);
  };
}

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = element('text').value;
  if (!text || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({type: 'message', text}));
  element('text').value = '';
});
element('name').addEventListener('change', (event) => {
  if (socket.readyState === WebSocket.OPEN)
    socket.send(JSON.stringify({type: 'name', name: event.target.value}));
});
connect();
)";

struct Part {
  std::string_view query;
  std::string_view type;
  std::string_view content;
};
constexpr std::array<Part, 2> kParts{
    {{"script", "text/javascript; charset=utf-8", kScript}, {"style", "text/css; charset=utf-8", kStyle}}};

/// Constants of the program.
class Forever final : public api::BodyOwner {
 public:
  void release() noexcept override {}
};
Forever forever;

}  // namespace

void show_chat_page(api::Exchange& exchange) {
  Part part{"", "text/html; charset=utf-8", kPage};
  for (const Part& other : kParts)
    if (exchange.request().query == other.query) part = other;
  const std::array<api::Field, 4> fields{{
      {"Content-Type", part.type},
      {"Cache-Control", "no-cache"},
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
       "form-action 'none'; frame-ancestors 'none'"},
  }};
  exchange.respond({200, fields}, api::Body::held(part.content, api::BodyHold(&forever)));
}

}  // namespace holdfast::handlers
