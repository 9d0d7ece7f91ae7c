// A WebSocket client of many people's: ws of npm against websocket_echo. Exit 0: all was as it should be.
const assert = require('assert');
const WebSocket = require('ws');

function converse(url, perMessageDeflate) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {perMessageDeflate});
    const sent = [];
    let got = 0;
    socket.on('error', reject);
    socket.on('open', () => {
      assert.strictEqual(socket.extensions.includes('permessage-deflate'), perMessageDeflate !== false);
      for (const size of [0, 1, 125, 126, 1000, 65535, 65536, 500000]) {
        sent.push('anchor \u2693'.repeat(size).slice(0, size), Buffer.alloc(size, 'ab'));
      }
      for (let i = 0; i < 300; ++i) sent.push('message ' + i + 'x'.repeat(i));
      for (const message of sent) socket.send(message);
      socket.ping('here');
    });
    socket.on('message', (data, binary) => {
      try {
        assert.strictEqual(binary, typeof sent[got] !== 'string');
        assert.ok(data.equals(Buffer.from(sent[got])), 'message ' + got);
      } catch (problem) {
        return reject(problem);
      }
      if (++got === sent.length) socket.close(4321, 'that was all');
    });
    socket.on('close', (code) => (code === 4321 && got === sent.length ? resolve() : reject(new Error('closed with ' + code))));
  });
}

async function main() {
  await converse(process.argv[2], true);
  await converse(process.argv[2], {serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0});
  await converse(process.argv[2], false);
}
main().catch((problem) => {
  console.error(problem);
  process.exit(1);
});
