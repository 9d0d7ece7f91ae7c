"""Two pages of the chat in a real browser: chat_pages.py CHROMIUM PROFILE URL. Exit 0: what one says the other shows."""
import asyncio
import itertools
import json
import re
import sys

import websockets

PATIENCE = 15  # seconds for each thing that is waited for


class Browser:
    """The browser's DevTools protocol: commands with numbered answers, each page a session of its own."""

    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)

    async def call(self, method, session=None, **parameters):
        number = next(self.numbers)
        message = {'id': number, 'method': method, 'params': parameters}
        if session:
            message['sessionId'] = session
        await self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            if answer.get('id') == number:
                assert 'error' not in answer, answer
                return answer['result']

    async def open(self, url):
        target = await self.call('Target.createTarget', url=url)
        attached = await self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)
        return Page(self, attached['sessionId'])


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    async def run(self, script):
        result = await self.browser.call('Runtime.evaluate', self.session, expression=script, returnByValue=True)
        assert 'exceptionDetails' not in result, result
        return result['result'].get('value')

    async def until(self, condition):
        """Waits until the JavaScript expression holds."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not await self.run(f"document.readyState === 'complete' && ({condition})"):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f'{condition}, but: {await self.run("document.body.innerText")}')
            await asyncio.sleep(0.02)

    async def say(self, text):
        await self.run(f"document.getElementById('text').value = {json.dumps(text)};"
                       "document.querySelector('#form button').click()")


async def converse(browser, url):
    anna = await browser.open(url + '?room=tea&name=Anna')
    await anna.until("document.getElementById('state')?.textContent === 'connected'")
    bo = await browser.open(url + '?room=tea&name=Bo')
    for page in (anna, bo):
        await page.until("document.getElementById('members')?.innerText === 'Anna\\nBo'")
    await anna.say('hello <b>Bo</b> \u2615')
    shown = "[...document.querySelectorAll('#messages li')].some((item) => item.textContent.includes(%s))"
    await bo.until(shown % json.dumps('Anna hello <b>Bo</b> \u2615'))
    await anna.until(shown % json.dumps('Anna hello <b>Bo</b> \u2615'))
    await bo.run("document.getElementById('name').value = 'Bob';"
                 "document.getElementById('name').dispatchEvent(new Event('change'))")
    await anna.until(shown % json.dumps('Bo is now Bob'))
    await bo.say('bye')
    await anna.until(shown % json.dumps('Bob bye'))


async def main(program, profile, url):
    browser = await asyncio.create_subprocess_exec(
        program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
        '--remote-debugging-port=0', f'--user-data-dir={profile}', 'about:blank',
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
    try:
        while line := await asyncio.wait_for(browser.stderr.readline(), PATIENCE):
            if found := re.search(rb'DevTools listening on (ws://\S+)', line):
                break
        else:
            raise AssertionError('the browser has ended')
        drain = asyncio.create_task(browser.stderr.read())
        async with websockets.connect(found[1].decode(), max_size=None, compression=None) as socket:
            protocol = Browser(socket)
            await converse(protocol, url)
            await protocol.call('Browser.close')
        await asyncio.wait_for(browser.wait(), PATIENCE)
        await drain
    finally:
        if browser.returncode is None:
            browser.kill()
            await browser.wait()

asyncio.run(main(*sys.argv[1:]))
