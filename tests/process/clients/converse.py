"""A WebSocket client of many people's: python3-websockets against websocket_echo. Exit 0: all was as it should be."""
import asyncio
import sys

import websockets


async def converse(url, compression):
    async with websockets.connect(url, compression=compression, max_size=None) as socket:
        assert (len(socket.extensions) == 1) == (compression is not None), socket.extensions
        for size in (0, 1, 125, 126, 1000, 65535, 65536, 500_000):
            text = ("holdfast \u2693 " * size)[:size]
            await socket.send(text)
            assert await socket.recv() == text, size
            data = bytes(i * 7 % 251 for i in range(size))
            await socket.send(data)
            assert await socket.recv() == data, size
        for i in range(300):
            await socket.send(f"message {i} " + "x" * i)
        for i in range(300):
            assert await socket.recv() == f"message {i} " + "x" * i
        await socket.send(iter(["a message ", "in several ", "frames"]))
        assert await socket.recv() == "a message in several frames"
        await (await socket.ping(b"are you there"))
        await socket.close(4321, "that was all")
    assert socket.close_code == 4321, socket.close_code


async def main():
    for compression in ("deflate", None):
        await asyncio.wait_for(converse(sys.argv[1], compression), 30)


asyncio.run(main())
