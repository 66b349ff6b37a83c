"""LiveKit agents, `GPTLiveModel`: arguments are the server's URL (http://…/v1), a key, a recording and seconds of silence."""

import asyncio
import sys

import aiohttp
from livekit import rtc
from livekit.agents import llm
from livekit.plugins.openai.realtime.gpt_live_model import GPTLiveModel
from speech import PACKET_S, RATE_HZ, packets, report


async def main(url: str, key: str, recording: str, tail_s: str) -> None:
    heard, said, sound = [], [], bytearray()
    async with aiohttp.ClientSession() as http:
        model = llm.DuplexRealtimeAdapter(GPTLiveModel(base_url=url, api_key=key, delegation="client", http_session=http))
        session = model.session()
        session.on("error", lambda error: (_ for _ in ()).throw(SystemExit(str(error))))
        session.on("input_audio_transcription_completed", lambda e: heard.append(e.transcript) if e.is_final else None)

        async def take(stream) -> None:
            async for message in stream:
                async def words(message=message):
                    async for word in message.text_stream:
                        said.append(str(word))

                reading = asyncio.create_task(words())
                async for frame in message.audio_stream:
                    sound.extend(bytes(frame.data))
                await reading

        tasks = []
        session.on("generation_created", lambda e: tasks.append(asyncio.create_task(take(e.message_stream))))
        await session._update_session(instructions="Be brief.", chat_ctx=llm.ChatContext.empty(), tools=[])
        for packet in packets(recording, float(tail_s)):
            session.push_audio(rtc.AudioFrame(packet, RATE_HZ, 1, len(packet) // 2))
            await asyncio.sleep(PACKET_S)
        await session.aclose()
        await asyncio.wait(tasks, timeout=5) if tasks else None
        await model.aclose()
    report(bytes(sound), " ".join(heard), "".join(said))


asyncio.run(main(*sys.argv[1:]))
