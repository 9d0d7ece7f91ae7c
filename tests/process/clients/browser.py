"""A real browser without a window, driven over its DevTools protocol: browser(PROGRAM, PROFILE) and the pages that it opens."""
import asyncio
import base64
import contextlib
import itertools
import json
import re

import websockets

PATIENCE = 20  # seconds for each thing that is waited for


class Browser:
    """Commands with numbered answers, each page a session of its own; what happens unasked is kept by session."""

    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)
        self.happened = {}

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
            if 'method' in answer:
                self.happened.setdefault(answer.get('sessionId'), []).append((answer['method'], answer['params']))

    async def open(self, url, watched=False):
        """`watched`: what the page says on its console, what it asks for and what is refused to it is in happened()."""
        target = await self.call('Target.createTarget', url='about:blank' if watched else url)
        attached = await self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)
        page = Page(self, attached['sessionId'])
        if watched:
            for domain in ('Runtime', 'Log', 'Network', 'Page'):
                await page.call(domain + '.enable')
            await page.call('Page.navigate', url=url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    async def call(self, method, **parameters):
        return await self.browser.call(method, self.session, **parameters)

    def happened(self, method):
        return [given for name, given in self.browser.happened.get(self.session, []) if name == method]

    async def run(self, script):
        result = await self.call('Runtime.evaluate', expression=script, returnByValue=True)
        assert 'exceptionDetails' not in result, result
        return result['result'].get('value')

    async def until(self, condition):
        """Waits until the JavaScript expression holds."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not await self.run(f"document.readyState === 'complete' && ({condition})"):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f'{condition}, but: {await self.run("document.body.innerText")}')
            await asyncio.sleep(0.02)

    async def picture(self, file, width, height, scheme):
        """The whole page, as it is on a screen of that width."""
        await self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        await self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        await self.call('Runtime.evaluate', awaitPromise=True,
                        expression='new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
        shot = await self.call('Page.captureScreenshot', captureBeyondViewport=True)
        with open(file, 'wb') as picture:
            picture.write(base64.b64decode(shot['data']))


@contextlib.asynccontextmanager
async def browser(program, profile):
    process = await asyncio.create_subprocess_exec(
        program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
        '--remote-debugging-port=0', f'--user-data-dir={profile}', 'about:blank',
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
    try:
        while line := await asyncio.wait_for(process.stderr.readline(), PATIENCE):
            if found := re.search(rb'DevTools listening on (ws://\S+)', line):
                break
        else:
            raise AssertionError('the browser has ended')
        drain = asyncio.create_task(process.stderr.read())
        async with websockets.connect(found[1].decode(), max_size=None, compression=None) as socket:
            protocol = Browser(socket)
            yield protocol
            await protocol.call('Browser.close')
        await asyncio.wait_for(process.wait(), PATIENCE)
        await drain
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
