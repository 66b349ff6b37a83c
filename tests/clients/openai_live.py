"""openai-python, `client.live`: arguments are the server's URL (http://…/v1), a key, a recording and seconds of silence."""

import asyncio
import base64
import sys

from openai import AsyncOpenAI
from speech import PACKET_S, packets, report


async def main(url: str, key: str, recording: str, tail_s: str) -> None:
    heard, said, sound = [], [], bytearray()
    client = AsyncOpenAI(base_url=url, api_key=key)
    async with client.live.connect() as live:
        await live.session.start(session={"model": "gpt-live-1", "instructions": "Be brief."})

        async def speak() -> None:
            for packet in packets(recording, float(tail_s)):
                await live.session.input_audio.append(audio=base64.b64encode(packet).decode())
                await asyncio.sleep(PACKET_S)
            await live.session.close()

        assert (await live.recv()).type == "session.started"
        speaking = asyncio.create_task(speak())
        async for event in live:
            match event.type:
                case "session.output_audio.delta":
                    sound += base64.b64decode(event.delta)
                case "session.input_transcript.delta":
                    heard.append(event.delta)
                case "session.output_transcript.delta":
                    said.append(event.delta)
                case "error":
                    raise SystemExit(event.error.message)
        await speaking
    report(bytes(sound), "".join(heard), "".join(said))


asyncio.run(main(*sys.argv[1:]))
