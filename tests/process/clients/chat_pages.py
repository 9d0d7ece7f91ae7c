"""Two pages of the chat in a real browser: chat_pages.py CHROMIUM PROFILE URL. Exit 0: what one says the other shows."""
import asyncio
import json
import sys

from browser import browser


async def say(page, text):
    await page.run(f"document.getElementById('text').value = {json.dumps(text)};"
                   "document.querySelector('#form button').click()")


async def converse(open_browser, url):
    anna = await open_browser.open(url + '?room=tea&name=Anna')
    await anna.until("document.getElementById('state')?.textContent === 'connected'")
    bo = await open_browser.open(url + '?room=tea&name=Bo')
    for page in (anna, bo):
        await page.until("document.getElementById('members')?.innerText === 'Anna\\nBo'")
    await say(anna, 'hello <b>Bo</b> \u2615')
    shown = "[...document.querySelectorAll('#messages li')].some((item) => item.textContent.includes(%s))"
    await bo.until(shown % json.dumps('Anna hello <b>Bo</b> \u2615'))
    await anna.until(shown % json.dumps('Anna hello <b>Bo</b> \u2615'))
    await bo.run("document.getElementById('name').value = 'Bob';"
                 "document.getElementById('name').dispatchEvent(new Event('change'))")
    await anna.until(shown % json.dumps('Bo is now Bob'))
    await say(bo, 'bye')
    await anna.until(shown % json.dumps('Bob bye'))


async def main(program, profile, url):
    async with browser(program, profile) as open_browser:
        await converse(open_browser, url)

asyncio.run(main(*sys.argv[1:]))
