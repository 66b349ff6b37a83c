"""openai-python, `client.realtime`: arguments are the server's URL (http://…/v1), a key, a recording and seconds of silence."""

import asyncio
import base64
import sys

from openai import AsyncOpenAI
from speech import PACKET_S, packets, report


async def main(url: str, key: str, recording: str, tail_s: str) -> None:
    heard, said, sound = [], [], bytearray()
    client = AsyncOpenAI(base_url=url, api_key=key)
    async with client.realtime.connect(model="gpt-realtime") as live:
        await live.session.update(session={"type": "realtime", "audio": {"output": {"voice": "marin"}}})

        async def listen() -> None:
            async for event in live:
                if event.type == "response.output_audio.delta":
                    sound.extend(base64.b64decode(event.delta))
                elif event.type == "response.output_audio_transcript.done":
                    said.append(event.transcript)
                elif event.type == "conversation.item.input_audio_transcription.completed":
                    heard.append(event.transcript)
                elif event.type == "error":
                    raise SystemExit(event.error.message)

        listening = asyncio.create_task(listen())
        for packet in packets(recording, float(tail_s)):
            await live.input_audio_buffer.append(audio=base64.b64encode(packet).decode())
            await asyncio.sleep(PACKET_S)
        await live.close()
        await listening
    report(bytes(sound), " ".join(heard), " ".join(said))


asyncio.run(main(*sys.argv[1:]))
