"""The dashboard in a real browser: dashboard_page.py CHROMIUM PROFILE ADMIN-PORT HTTP-PORT CONFIG-FILE [PICTURES].

The server has two workers, a route /faulty/{what} whose handler dies when told to abort, and a long shutdown_timeout. It is put
under load, loses workers, is reloaded, refuses a reload, loses its admin process, is stopped; each time the page must come to
show it. Exit 0: it did, until then without a complaint on its console, and has asked nobody but the admin listener. With
PICTURES, a folder, it is photographed there.
"""
import asyncio
import http.client
import json
import os
import signal
import sys
import urllib.request

from browser import browser

# What a stranger may put into a request that kills a worker.
MARKUP = "<img/src=x/onerror=document.title='broken'>"


def load(port, paths):
    """Asks for each path over one connection; all must be answered."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    for path in paths:
        connection.request('GET', path)
        connection.getresponse().read()
    connection.close()


def kill_by_request(port, path):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    connection.putrequest('GET', path, skip_accept_encoding=True)
    connection.endheaders()
    try:
        connection.getresponse()
    except (http.client.HTTPException, OSError):
        return
    raise AssertionError(f'{path} was answered')


class Dashboard:
    def __init__(self, page, admin):
        self.page = page
        self.admin = admin

    def status(self):
        with urllib.request.urlopen(self.admin + 'status', timeout=20) as answer:
            return json.load(answer)

    async def shows(self, place, *texts):
        """Waits until the text of the element holds all of these."""
        for text in texts:
            await self.page.until(f'document.getElementById({json.dumps(place)}).innerText.includes({json.dumps(text)})')

    async def follows_load(self, port):
        before = self.status()['totals']['requests']
        load(port, ['/'] * 300 + ['/absent'] * 100)
        await self.page.until(f"document.getElementById('rate').dataset.total === '{before + 400}'")
        assert self.status()['totals']['requests'] == before + 400
        await self.shows('rate-more', f'{before + 400:,} since the start')
        # What the plots were given adds up to the same.
        await self.page.until(f'view.rows.reduce((sum, row) => sum + row[REQUESTS], 0) === {before + 400}')
        await self.page.until("document.querySelectorAll('#plots path.line').length === 9")
        await self.page.until("document.querySelector('#plots path.line').getAttribute('d').split('L').length > 2")

    async def tells_the_share_of_errors(self):
        """After the first load: a quarter of it were 404s."""
        await self.page.until('now.minute[REQUESTS] === 400 && now.minute[CLIENT] === 100')
        await self.shows('errors', '25\u202f%')
        await self.shows('errors-more', '25\u202f% 4xx, 0\u202f% 5xx')

    async def shows_deaths(self, port):
        victim = self.status()['workers'][0]['pid']
        os.kill(victim, signal.SIGKILL)
        await self.shows('deaths', str(victim), 'SIGKILL')
        await self.shows('workers', 'SIGKILL, ')
        kill_by_request(port, '/faulty/abort?' + MARKUP)
        await self.shows('deaths', 'SIGABRT', '/faulty/abort?' + MARKUP, '/faulty/{what}', 'faulty.so')
        assert await self.page.run("document.querySelectorAll('#deaths img').length") == 0
        await self.page.until("now.processes.filter((one) => one.slot !== null && one.state === 'ready').length === 2")
        await self.shows('workers-ready', '2 of 2')

    async def goes_on_over_a_reload(self, port):
        rows = await self.page.run('view.rows.length')
        admin = self.status()['admin']['pid']
        master = await self.page.run('facts.pid')
        os.kill(master, signal.SIGHUP)
        await self.shows('reloads', 'succeeded')
        await self.shows('facts', 'generation 2')
        # The former admin process has gone although this page was its guest.
        await self.page.until(f'now.processes.every((one) => one.generation === 2 && one.pid !== {admin})')
        assert self.status()['admin']['pid'] != admin
        await self.follows_load(port)
        assert await self.page.run('view.rows.length') > rows, 'what was before the reload is forgotten'

    async def tells_why_a_reload_was_refused(self, file):
        with open(file, encoding='utf-8') as old:
            text = old.read()
        with open(file, 'w', encoding='utf-8') as new:
            new.write(text + 'lissteners: {}\n')
        os.kill(await self.page.run('facts.pid'), signal.SIGHUP)
        await self.shows('reloads', 'refused', 'succeeded', 'lissteners')
        with open(file, 'w', encoding='utf-8') as new:
            new.write(text)

    async def is_whole_in_a_new_window(self, open_browser):
        page = await open_browser.open(self.admin)
        await page.until("typeof view !== 'undefined' && now !== null && view.rows.length > 3")
        await page.until("document.getElementById('deaths').innerText.includes('SIGABRT')")
        # Behind another window the first page would go to sleep.
        await self.page.call('Page.bringToFront')

    async def outlives_the_admin_process(self, port):
        """Killed this time: the stream is cut in the middle."""
        rows = await self.page.run('view.rows.length')
        admin = self.status()['admin']['pid']
        os.kill(admin, signal.SIGKILL)
        await self.page.until(f'now.processes.some((one) => one.slot === null && one.pid !== {admin})')
        await self.follows_load(port)
        assert await self.page.run('view.rows.length') > rows, 'what was before is forgotten'

    async def says_when_the_server_is_gone(self):
        shown = await self.page.run("document.getElementById('rate-more').innerText")
        os.kill(await self.page.run('facts.pid'), signal.SIGTERM)
        await self.page.until("!document.getElementById('notice').hidden")
        await self.shows('notice', 'No contact with the server since')
        await self.shows('state', 'no contact')
        await self.shows('rate-more', shown)

    def kept_to_itself(self):
        asked = [given['request']['url'] for given in self.page.happened('Network.requestWillBeSent')]
        assert asked and all(url.startswith(self.admin) for url in asked), asked
        complaints = [given for method in ('Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown')
                      for given in self.page.happened(method)]
        assert not complaints, complaints


async def take_pictures(page, folder):
    for width, height, name in ((1280, 900, 'desk'), (375, 812, 'phone')):
        for scheme in ('light', 'dark'):
            await page.picture(f'{folder}/{name}-{scheme}.png', width, height, scheme)


async def main(program, profile, admin_port, port, file, pictures=None):
    async with browser(program, profile) as open_browser:
        page = await open_browser.open(f'http://127.0.0.1:{admin_port}/', watched=True)
        dashboard = Dashboard(page, f'http://127.0.0.1:{admin_port}/')
        await page.until("document.getElementById('state').textContent === 'ready'")
        await dashboard.follows_load(int(port))
        await dashboard.tells_the_share_of_errors()
        await dashboard.shows_deaths(int(port))
        await dashboard.goes_on_over_a_reload(int(port))
        await dashboard.tells_why_a_reload_was_refused(file)
        await dashboard.is_whole_in_a_new_window(open_browser)
        assert await page.run("document.title") != 'broken'
        dashboard.kept_to_itself()
        if pictures:
            await take_pictures(page, pictures)
        await dashboard.outlives_the_admin_process(int(port))
        # On a phone nothing has to be pushed sideways.
        await page.call('Emulation.setDeviceMetricsOverride', width=375, height=812, deviceScaleFactor=1, mobile=True)
        await page.until('document.documentElement.scrollWidth <= 375')
        await dashboard.says_when_the_server_is_gone()

asyncio.run(main(*sys.argv[1:]))
