"""Pipecat, `OpenAILiveLLMService` in a pipeline: arguments are the URL (ws://…/v1/live/sessions), a key, a recording and seconds
of silence."""

import asyncio
import sys

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    LLMContextFrame,
    SpeechOutputAudioRawFrame,
    TranscriptionFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.live.llm import OpenAILiveLLMService
from speech import PACKET_S, RATE_HZ, packets, report

logger.remove()
logger.add(sys.stderr, level="WARNING")


class Ear(FrameProcessor):
    """Keeps what comes out of the service, on either side of it."""

    def __init__(self, heard: list[str], said: list[str], sound: bytearray):
        super().__init__()
        self.heard, self.said, self.sound = heard, said, sound

    async def process_frame(self, frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechOutputAudioRawFrame):
            self.sound.extend(frame.audio)
        elif isinstance(frame, TTSTextFrame):
            self.said.append(frame.text)
        elif isinstance(frame, TranscriptionFrame):
            self.heard.append(frame.text)
        elif isinstance(frame, ErrorFrame):
            print(frame.error, file=sys.stderr)
        await self.push_frame(frame, direction)


async def main(url: str, key: str, recording: str, tail_s: str) -> None:
    heard, said, sound = [], [], bytearray()
    service = OpenAILiveLLMService(api_key=key, base_url=url)
    before, after = Ear(heard, [], bytearray()), Ear([], said, sound)
    task = PipelineTask(Pipeline([before, service, after]), params=PipelineParams(audio_in_sample_rate=RATE_HZ))
    started = asyncio.Event()
    service.add_event_handler("on_session_started", lambda *_: started.set())

    async def speak() -> None:
        await task.queue_frame(LLMContextFrame(LLMContext([{"role": "system", "content": "Be brief."}])))
        await asyncio.wait_for(started.wait(), 60)
        for packet in packets(recording, float(tail_s)):
            await task.queue_frame(InputAudioRawFrame(packet, RATE_HZ, 1))
            await asyncio.sleep(PACKET_S)
        await task.queue_frame(EndFrame())

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), speak())
    report(bytes(sound), " ".join(heard), " ".join(said))


asyncio.run(main(*sys.argv[1:]))
